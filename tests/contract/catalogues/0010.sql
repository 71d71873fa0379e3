BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE answers (
	digest TEXT NOT NULL, 
	upstream_url TEXT NOT NULL, 
	record_set TEXT NOT NULL, 
	asked_utc DATETIME NOT NULL, 
	stored_utc DATETIME NOT NULL, 
	used_utc DATETIME NOT NULL, 
	records BIGINT NOT NULL, 
	body_bytes BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	file_format INTEGER NOT NULL, 
	file_bytes BIGINT NOT NULL, 
	sha256 TEXT NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (digest)
);
INSERT INTO "answers" VALUES('abababababababababababababababababababababababababababababababab','http://jsoc.stanford.edu','hmi.M_45s[]','2024-05-10 11:59:00.250000','2024-05-10 12:00:00.250000','2024-05-10 12:00:00.250000',1099511627776,2199023255552,0.1,1,100,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd');
CREATE TABLE checked_files (
	path TEXT NOT NULL, 
	series_key TEXT NOT NULL, 
	checked_utc DATETIME NOT NULL, 
	problem TEXT, 
	CONSTRAINT pk_checked_files PRIMARY KEY (path)
);
CREATE TABLE coverage (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	series_key TEXT NOT NULL, 
	low DOUBLE, 
	high DOUBLE, 
	restriction TEXT NOT NULL, 
	columns JSON NOT NULL, 
	versions TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	as_of_recnum BIGINT NOT NULL, 
	as_of_utc DATETIME NOT NULL, 
	CONSTRAINT fk_coverage_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
INSERT INTO "coverage" VALUES(1,'hmi.sharp_720s',NULL,5.5,'{"cadence": null, "spans": {"harpnum": [[377, 378, false]]}, "terms": []}','["harpnum"]','latest',0,9,'2024-05-10 12:00:00.250000');
INSERT INTO "coverage" VALUES(2,'hmi.sharp_720s',30.0,NULL,'{"cadence": null, "spans": {"harpnum": [[377, 378, false]]}, "terms": []}','["harpnum"]','latest',0,9,'2024-05-10 12:00:00.250000');
CREATE TABLE coverage_history (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	series_key TEXT NOT NULL, 
	run BIGINT NOT NULL, 
	recorded_utc DATETIME NOT NULL, 
	entries JSON NOT NULL
);
INSERT INTO "coverage_history" VALUES(1,'hmi.sharp_720s',1,'2024-05-10 12:00:00.250000','{"generation": 0, "columns": [["harpnum"]], "entries": [[null, 5.5, "{\"cadence\": null, \"spans\": {\"harpnum\": [[377, 378, false]]}, \"terms\": []}", 0, "latest", 0, 9, "2024-05-10T12:00:00.250000+00:00"], [30.0, null, "{\"cadence\": null, \"spans\": {\"harpnum\": [[377, 378, false]]}, \"terms\": []}", 0, "latest", 0, 9, "2024-05-10T12:00:00.250000+00:00"]]}');
CREATE TABLE downloads (
	name TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	validator TEXT NOT NULL, 
	begun_utc DATETIME NOT NULL, 
	CONSTRAINT pk_downloads PRIMARY KEY (name)
);
INSERT INTO "downloads" VALUES('0101010101010101010101010101010101010101010101010101010101010101',4398046511104,'"ü"','2024-05-10 12:00:00.250000');
CREATE TABLE drms_keyword (
	seriesname TEXT NOT NULL, 
	keywordname TEXT NOT NULL, 
	linkname TEXT, 
	targetkeyw TEXT, 
	type TEXT NOT NULL, 
	defaultval TEXT NOT NULL, 
	format TEXT, 
	unit TEXT NOT NULL, 
	islink INTEGER NOT NULL, 
	isconstant INTEGER NOT NULL, 
	persegment INTEGER NOT NULL, 
	description TEXT NOT NULL, 
	series_key TEXT NOT NULL, 
	keyword_rank INTEGER NOT NULL, 
	recscope TEXT NOT NULL, 
	alias_of TEXT, 
	codec TEXT, 
	CONSTRAINT pk_drms_keyword PRIMARY KEY (series_key, keyword_rank), 
	CONSTRAINT fk_drms_keyword_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','HARPNUM',NULL,NULL,'int','-2147483648','%d','none',0,0,65548,'HARP number','hmi.sharp_720s',0,'variable',NULL,'%d');
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_REC',NULL,NULL,'time','-4712.01.01_11:59:28_TAI','0','TAI',0,1000,131080,'Slotted observation time','hmi.sharp_720s',1,'ts_eq',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_REC_index',NULL,NULL,'longlong','-9223372036854775808','%lld','none',0,100,196614,'','hmi.sharp_720s',2,'index',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_REC_epoch',NULL,NULL,'time','1993.01.01_00:00:00_TAI','0','TAI',0,1,262144,'Time of origin','hmi.sharp_720s',3,'constant',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_REC_step',NULL,NULL,'float','720.0','%.1f','seconds',0,1,327680,'slot step','hmi.sharp_720s',4,'constant',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_REC_unit',NULL,NULL,'string','secs','%s','none',0,1,393216,'slot step unit','hmi.sharp_720s',5,'constant',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_OBS',NULL,NULL,'time','-4712.01.01_11:59:28.000_TAI','3','TAI',0,0,458752,'nominal time','hmi.sharp_720s',6,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','T_FRST1',NULL,NULL,'time','-4712.01.01_11:59:28_TAI','0','TAI',0,0,524288,'first appearance','hmi.sharp_720s',7,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','QUALITY',NULL,NULL,'int','0x80000000','0x%08X','none',0,0,589824,'Quality word; bit 31 set: no image','hmi.sharp_720s',8,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','USFLUX',NULL,NULL,'float','nan','%e','Maxwell',0,0,655360,'total unsigned flux','hmi.sharp_720s',9,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','R_VALUE',NULL,NULL,'float','nan','%5.3f','Maxwell',0,0,720896,'R','hmi.sharp_720s',10,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','CRLN_OBS',NULL,NULL,'float','nan','%f','degrees',0,0,786432,'Carrington longitude of observer','hmi.sharp_720s',11,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','LAT_FWT',NULL,NULL,'float','nan','%f','degrees',0,0,851968,'flux weighted latitude','hmi.sharp_720s',12,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','OBS_VR',NULL,NULL,'double','nan','%f','m/s',0,0,917504,'radial velocity','hmi.sharp_720s',13,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','N_PATCH1',NULL,NULL,'int','-2147483648','%d','none',0,0,983040,'patch size','hmi.sharp_720s',14,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','NOAA_AR',NULL,NULL,'int','0','%d','none',0,0,1048576,'first NOAA AR','hmi.sharp_720s',15,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','NOAA_ARS',NULL,NULL,'string','','%s','none',0,0,1114112,'NOAA ARs, comma list','hmi.sharp_720s',16,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','NOAA_NUM',NULL,NULL,'short','-32768','%hd','none',0,0,1179648,'how many','hmi.sharp_720s',17,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','BUNIT',NULL,NULL,'string','','%s','none',0,0,1245185,'unit per segment','hmi.sharp_720s',18,'segment',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','CODEVER',NULL,NULL,'string','','%s','none',0,0,1310720,'code version','hmi.sharp_720s',19,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','MAGFLAG','MHARP','MAGFLAG','int','0','%d','none',1,0,1376256,'from the linked patch','hmi.sharp_720s',20,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('hmi.sharp_720s','CADENCE',NULL,NULL,'float','720.0','%.1f','seconds',0,1,1441792,'cadence','hmi.sharp_720s',21,'constant',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('test.nopk','A',NULL,NULL,'int','-2147483648','%d','none',0,0,65536,'a','test.nopk',0,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('test.nopk','B',NULL,NULL,'float','nan','%f','none',0,0,131072,'b','test.nopk',1,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('test.nopk','NAME',NULL,NULL,'string','','%s','none',0,0,196608,'name','test.nopk',2,'variable',NULL,NULL);
INSERT INTO "drms_keyword" VALUES('test.nopk','T',NULL,NULL,'time','-4712.01.01_11:59:28_UTC','0','UTC',0,0,262144,'t','test.nopk',3,'variable',NULL,NULL);
CREATE TABLE drms_link (
	seriesname TEXT NOT NULL, 
	linkname TEXT NOT NULL, 
	target_seriesname TEXT NOT NULL, 
	type TEXT NOT NULL, 
	description TEXT NOT NULL, 
	series_key TEXT NOT NULL, 
	link_rank INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	CONSTRAINT pk_drms_link PRIMARY KEY (series_key, link_rank), 
	CONSTRAINT fk_drms_link_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
INSERT INTO "drms_link" VALUES('hmi.sharp_720s','MHARP','hmi.Mharp_720s','dynamic','source patch','hmi.sharp_720s',0,'DYNAMIC');
INSERT INTO "drms_link" VALUES('hmi.sharp_720s','BHARP','hmi.Bharp_720s','dynamic','vector patch','hmi.sharp_720s',1,'DYNAMIC');
CREATE TABLE drms_segment (
	seriesname TEXT NOT NULL, 
	segmentname TEXT NOT NULL, 
	segnum INTEGER NOT NULL, 
	scope TEXT, 
	type TEXT NOT NULL, 
	naxis INTEGER, 
	axis TEXT, 
	unit TEXT NOT NULL, 
	protocol TEXT NOT NULL, 
	description TEXT NOT NULL, 
	islink INTEGER, 
	linkname TEXT, 
	targetseg TEXT, 
	cseg_recnum BIGINT, 
	series_key TEXT NOT NULL, 
	dims TEXT NOT NULL, 
	CONSTRAINT pk_drms_segment PRIMARY KEY (segnum, series_key), 
	CONSTRAINT fk_drms_segment_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','magnetogram',0,'vardim','int',2,'VAR, VAR','Gauss','fits','magnetogram',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','bitmap',1,'vardim','int',2,'VAR, VAR','Gauss','fits','bitmap',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','Dopplergram',2,'vardim','int',2,'VAR, VAR','Gauss','fits','Dopplergram',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','continuum',3,'vardim','int',2,'VAR, VAR','Gauss','fits','continuum',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','inclination',4,'vardim','int',2,'VAR, VAR','Gauss','fits','inclination',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','azimuth',5,'vardim','int',2,'VAR, VAR','Gauss','fits','azimuth',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','field',6,'vardim','int',2,'VAR, VAR','Gauss','fits','field',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','Br',7,'vardim','int',2,'VAR, VAR','Gauss','fits','Br',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','Bp',8,'vardim','int',2,'VAR, VAR','Gauss','fits','Bp',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('hmi.sharp_720s','Bt',9,'vardim','int',2,'VAR, VAR','Gauss','fits','Bt',NULL,NULL,NULL,NULL,'hmi.sharp_720s','VARxVAR');
INSERT INTO "drms_segment" VALUES('test.nopk','f',0,NULL,'char',0,'','none','generic','f',NULL,NULL,NULL,NULL,'test.nopk','');
CREATE TABLE drms_series (
	seriesname TEXT NOT NULL, 
	author TEXT, 
	owner TEXT, 
	unitsize INTEGER, 
	archive INTEGER, 
	retention INTEGER, 
	tapegroup INTEGER, 
	primary_idx TEXT NOT NULL, 
	created TEXT, 
	description TEXT NOT NULL, 
	dbidx TEXT NOT NULL, 
	version TEXT, 
	series_key TEXT NOT NULL, 
	prime_keys JSON NOT NULL, 
	db_index JSON NOT NULL, 
	attributes JSON NOT NULL, 
	CONSTRAINT pk_drms_series PRIMARY KEY (series_key)
);
INSERT INTO "drms_series" VALUES('hmi.sharp_720s',NULL,NULL,4,-1,656360,0,'HARPNUM, T_REC_index',NULL,'Synthetic stand-in: active region patches, 12 min','HARPNUM, T_REC_index',NULL,'hmi.sharp_720s','["HARPNUM", "T_REC"]','["HARPNUM", "T_REC"]','{"retention": 1000, "stagingretention": 10, "unitsize": 4, "archive": -1, "tapegroup": 0}');
INSERT INTO "drms_series" VALUES('test.nopk',NULL,NULL,4,-1,656360,0,'',NULL,'No prime keys','',NULL,'test.nopk','[]','[]','{"retention": 1000, "stagingretention": 10, "unitsize": 4, "archive": -1, "tapegroup": 0}');
CREATE TABLE drops (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	series_key TEXT NOT NULL, 
	series TEXT NOT NULL, 
	record_set TEXT NOT NULL, 
	table_path TEXT NOT NULL, 
	extents JSON, 
	begun_utc DATETIME NOT NULL
);
CREATE TABLE duties (
	name TEXT NOT NULL, 
	due_utc DATETIME NOT NULL, 
	begun_utc DATETIME, 
	ended_utc DATETIME, 
	succeeded_utc DATETIME, 
	outcome TEXT, 
	message TEXT, 
	CONSTRAINT pk_duties PRIMARY KEY (name)
);
CREATE TABLE failed_files (
	series_key TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	recnum BIGINT NOT NULL, 
	segment_key TEXT NOT NULL, 
	state TEXT NOT NULL, 
	message TEXT NOT NULL, 
	failed_utc DATETIME NOT NULL, 
	until_utc DATETIME NOT NULL, 
	CONSTRAINT pk_failed_files PRIMARY KEY (series_key, generation, recnum, segment_key)
);
INSERT INTO "failed_files" VALUES('hmi.m_45s',3,-7,'magnetogram','lost','ü','2024-05-10 12:00:00.250000','2024-05-10 12:10:00.250000');
CREATE TABLE failed_questions (
	digest TEXT NOT NULL, 
	upstream_url TEXT NOT NULL, 
	error_code TEXT NOT NULL, 
	error_message TEXT NOT NULL, 
	retry_after DOUBLE, 
	failed_utc DATETIME NOT NULL, 
	until_utc DATETIME NOT NULL, 
	CONSTRAINT pk_failed_questions PRIMARY KEY (digest)
);
INSERT INTO "failed_questions" VALUES('another','http://jsoc.stanford.edu','upstream-refused','no',7.5,'2024-05-10 12:00:00.250000','2024-05-10 12:01:00.250000');
CREATE TABLE forgotten_runs (
	series_key TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	series TEXT NOT NULL, 
	finished_utc DATETIME, 
	runs BIGINT NOT NULL, 
	requests BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	records_new BIGINT NOT NULL, 
	records_revised BIGINT NOT NULL, 
	records_unchanged BIGINT NOT NULL, 
	records_removed BIGINT NOT NULL, 
	CONSTRAINT pk_forgotten_runs PRIMARY KEY (series_key, kind, outcome)
);
CREATE TABLE hosts (
	name TEXT NOT NULL, 
	boot TEXT NOT NULL, 
	seen_utc DATETIME NOT NULL, 
	CONSTRAINT pk_hosts PRIMARY KEY (name)
);
CREATE TABLE leases (
	name TEXT NOT NULL, 
	token TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	process TEXT NOT NULL, 
	acquired_utc DATETIME NOT NULL, 
	heartbeat_utc DATETIME NOT NULL, 
	expires_utc DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE made_files (
	digest TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	files INTEGER NOT NULL, 
	record TEXT NOT NULL, 
	file_name TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	made_utc DATETIME NOT NULL, series_key TEXT, generation INTEGER, recnum BIGINT, segment_key TEXT, 
	CONSTRAINT pk_made_files PRIMARY KEY (digest, position)
);
CREATE TABLE object_totals (
	id INTEGER NOT NULL, 
	objects BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, evicted_objects BIGINT DEFAULT '0' NOT NULL, evicted_bytes BIGINT DEFAULT '0' NOT NULL, check_begun_utc DATETIME, 
	CONSTRAINT pk_object_totals PRIMARY KEY (id)
);
INSERT INTO "object_totals" VALUES(1,1,2199023255552,0,0,NULL);
CREATE TABLE objects (
	sha256 TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	stored_utc DATETIME NOT NULL, 
	used_utc DATETIME NOT NULL, 
	checked_utc DATETIME, 
	is_leaving BOOLEAN DEFAULT 0 NOT NULL, is_damaged BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_objects PRIMARY KEY (sha256)
);
INSERT INTO "objects" VALUES('efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef',2199023255552,'2024-05-10 12:00:00.250000','2024-05-10 12:00:00.250000',NULL,0,0);
CREATE TABLE orders (
	request_id TEXT NOT NULL, 
	upstream_url TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	record_set TEXT NOT NULL, 
	email TEXT NOT NULL, 
	method TEXT NOT NULL, 
	state TEXT NOT NULL, 
	message TEXT NOT NULL, 
	ordered_utc DATETIME NOT NULL, 
	asked_utc DATETIME NOT NULL, 
	ended_utc DATETIME, 
	CONSTRAINT pk_orders PRIMARY KEY (request_id)
);
INSERT INTO "orders" VALUES('JSOC_20240510_001','http://jsoc.stanford.edu','2323232323232323232323232323232323232323232323232323232323232323','hmi.M_45s[:#7]{magnetogram}','you@example.org','url_quick','pending','ü','2024-05-10 11:59:00.250000','2024-05-10 12:00:00.250000',NULL);
CREATE TABLE pinned_files (
	series_key TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	recnum BIGINT NOT NULL, 
	segment_key TEXT NOT NULL, 
	pin BIGINT NOT NULL, 
	CONSTRAINT pk_pinned_files PRIMARY KEY (series_key, generation, recnum, segment_key, pin)
);
INSERT INTO "pinned_files" VALUES('hmi.m_45s',3,-7,'magnetogram',1);
INSERT INTO "pinned_files" VALUES('hmi.sharp_720s',0,1099511627776,'magnetogram',1);
CREATE TABLE pins (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	record_set TEXT NOT NULL, 
	made_utc DATETIME NOT NULL, 
	CONSTRAINT uq_pins_record_set UNIQUE (record_set)
);
INSERT INTO "pins" VALUES(1,'hmi.sharp_720s[377]{magnetogram}','2024-05-10 12:00:00.250000');
CREATE TABLE reconciliations (
	series_key TEXT NOT NULL, 
	record_set TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	position DOUBLE, 
	pass_begun_utc DATETIME NOT NULL, 
	checked_since_utc DATETIME, 
	worked_utc DATETIME NOT NULL, pass_depth TEXT DEFAULT 'telling' NOT NULL, checked_depth TEXT DEFAULT 'telling' NOT NULL, 
	CONSTRAINT pk_reconciliations PRIMARY KEY (series_key, record_set), 
	CONSTRAINT fk_reconciliations_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
CREATE TABLE runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	series_key TEXT NOT NULL, 
	series TEXT NOT NULL, 
	record_set TEXT NOT NULL, 
	started_utc DATETIME NOT NULL, 
	finished_utc DATETIME, 
	outcome TEXT NOT NULL, 
	requests BIGINT NOT NULL, 
	bytes BIGINT NOT NULL, 
	records_new BIGINT NOT NULL, 
	records_revised BIGINT NOT NULL, 
	records_unchanged BIGINT NOT NULL, 
	watermark_before BIGINT, 
	watermark_after BIGINT, 
	share_held DOUBLE, 
	error_code TEXT, 
	error_message TEXT, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL
, kind TEXT DEFAULT 'sync' NOT NULL, records_removed BIGINT DEFAULT '0' NOT NULL, notices JSON);
INSERT INTO "runs" VALUES(1,'hmi.sharp_720s','hmi.sharp_720s','hmi.sharp_720s[377]','2024-05-10 12:00:00.250000','2024-05-10 12:00:00.250000','done',2,4,6,0,0,NULL,9,0.5,NULL,NULL,'example',1,'sync',0,NULL);
CREATE TABLE segment_files (
	series_key TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	recnum BIGINT NOT NULL, 
	segment_key TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	file_name TEXT NOT NULL, 
	fetched_utc DATETIME NOT NULL, 
	CONSTRAINT pk_segment_files PRIMARY KEY (series_key, generation, recnum, segment_key)
);
INSERT INTO "segment_files" VALUES('hmi.sharp_720s',0,1099511627776,'magnetogram','efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef','magnetogram.fits','2024-05-10 12:00:00.250000');
INSERT INTO "segment_files" VALUES('hmi.sharp_720s',0,1099511627776,'br','efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef','Br.fits','2024-05-10 12:00:00.250000');
CREATE TABLE series_state (
	series_key TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	table_path TEXT, 
	table_format INTEGER, 
	partition_period TEXT, 
	table_version BIGINT, 
	rows_held BIGINT NOT NULL, 
	watermark BIGINT, 
	watermark_utc DATETIME, 
	definition_read_utc DATETIME NOT NULL, 
	upstream_url TEXT NOT NULL, all_digits BOOLEAN DEFAULT 0 NOT NULL, filled_run BIGINT, 
	CONSTRAINT pk_series_state PRIMARY KEY (series_key), 
	CONSTRAINT fk_series_state_series_key_drms_series FOREIGN KEY(series_key) REFERENCES drms_series (series_key) ON DELETE CASCADE
);
INSERT INTO "series_state" VALUES('hmi.sharp_720s',0,NULL,NULL,NULL,1,3,9,'2024-05-10 12:00:00.250000','2024-05-10 12:00:00.250000','http://jsoc.stanford.edu',0,NULL);
INSERT INTO "series_state" VALUES('test.nopk',0,NULL,NULL,NULL,NULL,0,NULL,NULL,'2024-05-10 12:00:00.250000','',0,NULL);
CREATE TABLE subscriptions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	record_set TEXT NOT NULL, 
	series_key TEXT NOT NULL, 
	keys JSON, 
	segments JSON NOT NULL, 
	schedule TEXT, 
	lag_seconds DOUBLE NOT NULL, 
	priority INTEGER NOT NULL, 
	precision TEXT NOT NULL, 
	reconcile TEXT NOT NULL, 
	made_utc DATETIME NOT NULL, 
	changed_utc DATETIME NOT NULL, 
	CONSTRAINT uq_subscriptions_record_set UNIQUE (record_set)
);
CREATE TABLE tags (
	name TEXT NOT NULL, 
	run BIGINT NOT NULL, 
	moment_utc DATETIME NOT NULL, 
	note TEXT NOT NULL, 
	made_utc DATETIME NOT NULL, 
	CONSTRAINT pk_tags PRIMARY KEY (name)
);
CREATE TABLE upstreams (
	url TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	pauses INTEGER NOT NULL, 
	paused_utc DATETIME, 
	until_utc DATETIME, 
	reason TEXT NOT NULL, 
	seconds_per_request DOUBLE, 
	seconds_per_record DOUBLE, 
	CONSTRAINT pk_upstreams PRIMARY KEY (url)
);
INSERT INTO "upstreams" VALUES('http://jsoc.stanford.edu',3,1,'2024-05-10 12:00:00.250000','2024-05-10 12:00:00.250000','ü',0.5,3.33333333333333314829e-01);
CREATE INDEX ix_coverage_series_key ON coverage (series_key);
CREATE INDEX ix_runs_series_key ON runs (series_key);
CREATE INDEX ix_subscriptions_series_key ON subscriptions (series_key);
CREATE INDEX ix_coverage_history_series_key ON coverage_history (series_key);
CREATE INDEX ix_drops_series_key ON drops (series_key);
CREATE INDEX ix_checked_files_series_key ON checked_files (series_key);
CREATE INDEX ix_segment_files_sha256 ON segment_files (sha256);
CREATE INDEX ix_made_files_sha256 ON made_files (sha256);
CREATE INDEX ix_orders_digest ON orders (digest);
CREATE INDEX ix_objects_used_utc_sha256 ON objects (used_utc, sha256);
CREATE INDEX ix_objects_leaving ON objects (sha256) WHERE is_leaving IS 1;
CREATE INDEX ix_made_files_of ON made_files (series_key, recnum);
CREATE INDEX ix_objects_damaged ON objects (sha256) WHERE is_damaged IS 1;
COMMIT;
