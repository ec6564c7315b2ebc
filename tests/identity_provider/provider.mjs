// A real identity provider on loopback, for the tests. Settings are JSON on the command line; its address is one line of JSON on
// standard output. Whoever signs in gives any password. POST /test/accounts replaces who there is, and what is claimed of them.
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
let accounts = settings.accounts;

const server = createServer();
await new Promise((resolve) => server.listen(settings.port ?? 0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'doorward',
      client_secret: 'of-the-tests',
      redirect_uris: settings.redirect_uris,
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      backchannel_logout_uri: settings.backchannel_logout_uri,
    },
  ],
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'], groups: ['groups'] },
  scopes: ['openid', 'offline_access'],
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    backchannelLogout: { enabled: true },
    userinfo: { enabled: true },
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 300, IdToken: 300, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, DeviceCode: 300 },
  issueRefreshToken: async (_context, client, code) => settings.refreshes !== false && code.scopes.has('offline_access'),
  findAccount: async (_context, sub) =>
    accounts[sub] && { accountId: sub, claims: async () => ({ sub, ...accounts[sub] }) },
});

provider.use(async (context, next) => {
  if (context.path !== '/test/accounts' || context.method !== 'POST') return next();
  const chunks = [];
  for await (const chunk of context.req) chunks.push(chunk);
  accounts = JSON.parse(Buffer.concat(chunks).toString());
  context.body = '{}';
});

server.on('request', provider.callback());
console.log(JSON.stringify({ issuer }));
