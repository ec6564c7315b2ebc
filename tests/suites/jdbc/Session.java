import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.util.Arrays;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/** A working session of pgjdbc: each step prints its name and what it saw, or the SQLSTATE that it met. */
class Session {
    interface Step {
        String see(Connection connection) throws Exception;
    }

    static String url;
    static final Properties properties = new Properties();

    static void step(String name, String options, Step step) {
        String seen;
        try (Connection connection = DriverManager.getConnection(url + options, properties)) {
            seen = step.see(connection);
        } catch (SQLException error) {
            seen = "SQLSTATE " + error.getSQLState() + ": " + error.getMessage();
        } catch (Exception error) {
            seen = error.toString();
        }
        System.out.println("== " + name + options + "\n" + seen);
    }

    static String rows(ResultSet found) throws SQLException {
        StringBuilder text = new StringBuilder();
        int columns = found.getMetaData().getColumnCount();
        while (found.next()) {
            for (int at = 1; at <= columns; at++) {
                boolean isBytes = found.getMetaData().getColumnType(at) == Types.BINARY;
                text.append(at > 1 ? "|" : "").append(isBytes ? Arrays.toString(found.getBytes(at)) : found.getString(at));
            }
            text.append('\n');
        }
        return text.toString();
    }

    static String query(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return rows(statement.executeQuery(sql));
        }
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", "disable");
        for (String mode : new String[] {"extended", "extendedForPrepared", "extendedCacheEverything", "simple"}) {
            all("?preferQueryMode=" + mode);
        }
        step("binary at once", "?prepareThreshold=-1", Session::types);
        step("no server-side preparing", "?prepareThreshold=0", Session::types);
        step("autosave", "?autosave=always", connection -> {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT 1/0");
            } catch (SQLException expected) {
                return expected.getSQLState() + " then " + query(connection, "SELECT 'goes on'");
            }
            return "no error";
        });
    }

    static void all(String options) {
        step("types", options, Session::types);
        step("prepared again and again", options, connection -> {
            StringBuilder text = new StringBuilder();
            try (PreparedStatement statement = connection.prepareStatement("SELECT ?::int * 2, ?::text")) {
                for (int number = 0; number < 12; number++) {
                    statement.setInt(1, number);
                    statement.setString(2, "n" + number);
                    text.append(rows(statement.executeQuery()));
                }
            }
            return text.toString();
        });
        step("batch", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE batch (n int PRIMARY KEY, t text)");
            try (PreparedStatement statement = connection.prepareStatement("INSERT INTO batch VALUES (?, ?)")) {
                for (int number = 0; number < 500; number++) {
                    statement.setInt(1, number);
                    statement.setString(2, "x".repeat(number % 50));
                    statement.addBatch();
                }
                int[] counts = statement.executeBatch();
                return Arrays.stream(counts).sum() + " " + query(connection, "SELECT count(*), sum(length(t)) FROM batch");
            }
        });
        step("failing batch", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE batch (n int PRIMARY KEY)");
            try (Statement statement = connection.createStatement()) {
                for (int number : new int[] {1, 2, 2, 3}) {
                    statement.addBatch("INSERT INTO batch VALUES (" + number + ")");
                }
                statement.executeBatch();
                return "no error";
            } catch (BatchUpdateException error) {
                return error.getSQLState() + " " + Arrays.toString(error.getUpdateCounts()) + " " + error.getMessage()
                    + query(connection, "SELECT count(*) FROM batch");
            }
        });
        step("cursor by fetch size", options, connection -> {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(7);
                ResultSet found = statement.executeQuery("SELECT n FROM generate_series(1, 100) n");
                int sum = 0;
                while (found.next()) {
                    sum += found.getInt(1);
                }
                return "sum " + sum;
            }
        });
        step("generated keys", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE keyed (id serial, t text)");
            try (PreparedStatement statement = connection.prepareStatement(
                    "INSERT INTO keyed (t) VALUES (?), (?)", Statement.RETURN_GENERATED_KEYS)) {
                statement.setString(1, "a");
                statement.setString(2, "b");
                statement.executeUpdate();
                return rows(statement.getGeneratedKeys());
            }
        });
        step("updatable result", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE changed (id int PRIMARY KEY, t text)");
            connection.createStatement().execute("INSERT INTO changed VALUES (1, 'a'), (2, 'b')");
            try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
                ResultSet found = statement.executeQuery("SELECT id, t FROM changed ORDER BY id");
                found.absolute(2);
                found.updateString("t", "B");
                found.updateRow();
            }
            return query(connection, "SELECT * FROM changed ORDER BY id");
        });
        step("several statements", options, connection -> {
            StringBuilder text = new StringBuilder();
            try (Statement statement = connection.createStatement()) {
                boolean isResult = statement.execute("SELECT 1; CREATE TEMP TABLE s (a int); INSERT INTO s VALUES (1), (2); TABLE s");
                for (int at = 0; at < 4; at++) {
                    text.append(isResult ? rows(statement.getResultSet()) : statement.getUpdateCount() + "\n");
                    isResult = statement.getMoreResults();
                }
            }
            return text.toString();
        });
        step("errors and warnings", options, connection -> {
            StringBuilder text = new StringBuilder();
            for (String sql : new String[] {"SELECT nosuch", "SELECT 1/0", "SELEC", "SELECT 'x'::int"}) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(sql);
                } catch (SQLException error) {
                    text.append(error.getSQLState()).append(' ').append(error.getMessage()).append('\n');
                }
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("DO $$ BEGIN RAISE WARNING 'careful'; RAISE NOTICE 'told'; END $$");
                for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                    text.append(warning.getMessage()).append('\n');
                }
            }
            return text.toString();
        });
        step("savepoints", options, connection -> {
            connection.setAutoCommit(false);
            connection.createStatement().execute("CREATE TEMP TABLE saved (a int)");
            Savepoint before = connection.setSavepoint("here");
            connection.createStatement().execute("INSERT INTO saved VALUES (1)");
            connection.rollback(before);
            connection.createStatement().execute("INSERT INTO saved VALUES (2)");
            connection.commit();
            return query(connection, "TABLE saved");
        });
        step("timeout", options, connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                statement.execute("SELECT pg_sleep(30)");
                return "no error";
            } catch (SQLException error) {
                return error.getSQLState() + " then " + query(connection, "SELECT 1");
            }
        });
        step("metadata", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE described (id int PRIMARY KEY, t varchar(5) NOT NULL, d numeric(7, 2))");
            DatabaseMetaData about = connection.getMetaData();
            StringBuilder text = new StringBuilder();
            ResultSet columns = about.getColumns(null, null, "described", null);
            while (columns.next()) {
                text.append(columns.getString("COLUMN_NAME")).append(' ').append(columns.getString("TYPE_NAME")).append(' ')
                    .append(columns.getInt("COLUMN_SIZE")).append('\n');
            }
            ResultSetMetaData result = connection.prepareStatement("SELECT id, t, d, 1 AS one FROM described").getMetaData();
            for (int at = 1; at <= result.getColumnCount(); at++) {
                text.append(result.getColumnLabel(at)).append(' ').append(result.getColumnTypeName(at)).append(' ')
                    .append(result.isNullable(at)).append('\n');
            }
            ParameterMetaData parameters = connection.prepareStatement("SELECT ?::int, ?::text").getParameterMetaData();
            return text + "parameters " + parameters.getParameterCount() + " " + parameters.getParameterTypeName(1);
        });
        step("copy", options, connection -> {
            connection.createStatement().execute("CREATE TEMP TABLE copied (a int, t text)");
            CopyManager manager = connection.unwrap(PGConnection.class).getCopyAPI();
            long in = manager.copyIn("COPY copied FROM STDIN (FORMAT csv)", new StringReader("1,a\n2,\"b,c\"\n"));
            StringWriter out = new StringWriter();
            long written = manager.copyOut("COPY copied TO STDOUT", out);
            return in + " in, " + written + " out\n" + out;
        });
        step("notification", options, connection -> {
            connection.createStatement().execute("LISTEN there");
            connection.createStatement().execute("NOTIFY there, 'a payload'");
            PGConnection ours = connection.unwrap(PGConnection.class);
            PGNotification[] found = ours.getNotifications(5000);
            return found.length + found[0].getName() + found[0].getParameter() + (found[0].getPID() == ours.getBackendPID());
        });
        step("function call", options, connection -> {
            connection.createStatement().execute("CREATE OR REPLACE FUNCTION pg_temp.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 2'");
            try (CallableStatement call = connection.prepareCall("{? = call pg_temp.twice(?)}")) {
                call.registerOutParameter(1, Types.INTEGER);
                call.setInt(2, 21);
                call.execute();
                return "" + call.getInt(1);
            }
        });
        step("large object", options, connection -> {
            connection.setAutoCommit(false);
            LargeObjectManager manager = connection.unwrap(PGConnection.class).getLargeObjectAPI();
            long oid = manager.createLO(LargeObjectManager.READ | LargeObjectManager.WRITE);
            LargeObject object = manager.open(oid, LargeObjectManager.WRITE);
            object.write("contents".getBytes());
            object.close();
            manager.delete(oid);
            connection.commit();
            return "written";
        });
    }

    static String types(Connection connection) throws Exception {
        StringBuilder text = new StringBuilder();
        String sql = "SELECT ?::int2, ?::int8, ?::numeric, ?::float8, ?::bool, ?::bytea, ?::date, ?::timestamptz, ?::int[], ?::text,"
            + " '{\"a\": 1}'::jsonb, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, NULL::text, '1 day'::interval";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int again = 0; again < 7; again++) {
                statement.setShort(1, (short) -3);
                statement.setLong(2, Long.MAX_VALUE);
                statement.setBigDecimal(3, new BigDecimal("12345678901234567890.123456789"));
                statement.setDouble(4, Math.E);
                statement.setBoolean(5, true);
                statement.setBytes(6, new byte[] {0, 1, -1});
                statement.setDate(7, Date.valueOf("2020-02-29"));
                statement.setTimestamp(8, Timestamp.valueOf("2020-02-29 12:34:56.789"));
                statement.setArray(9, connection.createArrayOf("int4", new Integer[] {1, null, 3}));
                statement.setString(10, "naïve ☃ \\ ' \"");
                text.append(rows(statement.executeQuery()));
            }
        }
        return text.toString();
    }
}
