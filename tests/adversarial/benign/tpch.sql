CREATE SCHEMA tpch;
SET search_path = tpch;
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25) NOT NULL, r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25) NOT NULL, n_regionkey int NOT NULL REFERENCES region, n_comment varchar(152));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, s_nationkey int NOT NULL REFERENCES nation,
  s_phone char(15) NOT NULL, s_acctbal numeric(15,2) NOT NULL, s_comment varchar(101) NOT NULL);
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL, p_type varchar(25) NOT NULL,
  p_size int NOT NULL, p_container char(10) NOT NULL, p_retailprice numeric(15,2) NOT NULL, p_comment varchar(23) NOT NULL);
CREATE TABLE partsupp (ps_partkey int NOT NULL REFERENCES part, ps_suppkey int NOT NULL REFERENCES supplier, ps_availqty int NOT NULL,
  ps_supplycost numeric(15,2) NOT NULL, ps_comment varchar(199) NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, c_nationkey int NOT NULL REFERENCES nation,
  c_phone char(15) NOT NULL, c_acctbal numeric(15,2) NOT NULL, c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL);
CREATE TABLE orders (o_orderkey int PRIMARY KEY, o_custkey int NOT NULL REFERENCES customer, o_orderstatus char(1) NOT NULL, o_totalprice numeric(15,2) NOT NULL,
  o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL, o_shippriority int NOT NULL, o_comment varchar(79) NOT NULL);
CREATE TABLE lineitem (l_orderkey int NOT NULL REFERENCES orders, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int NOT NULL,
  l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL,
  l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
  l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber));
INSERT INTO region VALUES (0,'AFRICA',''),(1,'AMERICA',''),(2,'ASIA',''),(3,'EUROPE',''),(4,'MIDDLE EAST','');
INSERT INTO nation VALUES (0,'ALGERIA',0,''),(1,'ARGENTINA',1,''),(2,'BRAZIL',1,''),(3,'CANADA',1,''),(4,'EGYPT',4,''),(6,'FRANCE',3,''),(7,'GERMANY',3,''),
  (8,'INDIA',2,''),(12,'JAPAN',2,''),(20,'SAUDI ARABIA',4,''),(24,'UNITED STATES',1,'');
INSERT INTO supplier SELECT n, 'Supplier#' || lpad(n::text, 9, '0'), 'S' || n || ' Harbour Street', (ARRAY[6,7,8,3,20,2])[1 + n % 6],
  '2' || (n % 9) || '-555-' || (100 + n) || '-4' || (100 + n), 1000 + 37.5 * n, CASE WHEN n = 4 THEN 'x Customer y Complaints z' ELSE 'steady deposits' END
  FROM generate_series(1, 12) n;
INSERT INTO part SELECT n, (ARRAY['forest green','lime ghost','blush thistle','antique green'])[1 + n % 4] || ' part', 'Manufacturer#' || (1 + n % 5),
  (ARRAY['Brand#23','Brand#45','Brand#12','Brand#34'])[1 + n % 4], (ARRAY['PROMO BURNISHED COPPER','ECONOMY ANODIZED STEEL','LARGE BRASS','STANDARD POLISHED TIN'])[1 + n % 4],
  (ARRAY[15,49,14,3,23,45,19,36,9,5])[1 + n % 10], (ARRAY['MED BOX','SM CASE','LG BOX','MED BAG'])[1 + n % 4], 900 + n, 'fine' FROM generate_series(1, 40) n;
INSERT INTO partsupp SELECT p, 1 + (p + s * 3) % 12, 100 + p, 10 + s + p % 7, 'quick' FROM generate_series(1, 40) p, generate_series(0, 3) s;
INSERT INTO customer SELECT n, 'Customer#' || lpad(n::text, 9, '0'), 'C' || n || ' Mill Lane', (ARRAY[6,7,8,3,24,2])[1 + n % 6],
  (ARRAY['13','31','23','29','30','18','17'])[1 + n % 7] || '-555-' || (100 + n) || '-7' || (100 + n), 500 + 211.25 * n, (ARRAY['BUILDING','MACHINERY','AUTOMOBILE'])[1 + n % 3], 'calm'
  FROM generate_series(1, 30) n;
INSERT INTO orders SELECT n, 1 + (n * 7) % 20, (ARRAY['F','O','P'])[1 + n % 3], 1000 + n, date '1993-07-01' + (n * 11) % 1200,
  (ARRAY['1-URGENT','2-HIGH','5-LOW'])[1 + n % 3], 'Clerk#' || lpad(n::text, 9, '0'), 0, 'regular' FROM generate_series(1, 150) n;
INSERT INTO lineitem SELECT o, 1 + (o * 3 + l) % 40, 1 + ((1 + (o * 3 + l) % 40) + (l % 4) * 3) % 12, l, CASE WHEN o = 9 THEN 90 ELSE 1 + (o + l * 9) % 30 END, 1000 + o * 10 + l, 0.05 + (l % 3) * 0.01, 0.02,
  (ARRAY['R','N','A'])[1 + o % 3], (ARRAY['F','O'])[1 + o % 2], d + 20, d + 25, d + 15 + l * 8, (ARRAY['DELIVER IN PERSON','NONE'])[1 + l % 2], (ARRAY['MAIL','SHIP','AIR','REG AIR'])[1 + (o + l) % 4], 'slow'
  FROM (SELECT o_orderkey AS o, o_orderdate AS d FROM orders) x, generate_series(1, 4) l;
RESET search_path;
ANALYZE;
GRANT USAGE ON SCHEMA tpch TO app;
GRANT SELECT ON ALL TABLES IN SCHEMA tpch TO app;
