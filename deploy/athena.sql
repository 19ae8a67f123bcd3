-- The archive as a table of Athena. `smartleadctl archive athena` prints this with the
-- bucket, the prefix and the accounts of your stack in the places of BUCKET/PREFIX/ and
-- ACCOUNTS (by comma). Run it again, after DROP TABLE, when an account is added: a query
-- does not find what is not among them. Dropping the table deletes no event.
--
-- Name the day in each query, as in WHERE day >= '2026-11-01': each folder that it can
-- mean is looked into, 24 for a day and an account.
CREATE EXTERNAL TABLE IF NOT EXISTS smartlead_events (
  schema string,
  event_id string,
  type string,
  raw_type string,
  dialect string,
  campaign_id string,
  campaign_name string,
  client_id string,
  lead_email string,
  lead struct<email:string, id:string, map_id:string, name:string>,
  mailbox string,
  stats_id string,
  inbox_url string,
  occurred_at string,
  occurred_at_source string,
  received_at string,
  sequence_number string,
  subject string,
  message_id string,
  reply struct<text:string, html:string, `from`:string, message_id:string>,
  bounce struct<class:string, sender_originated:boolean, reason:string, message_id:string>,
  links array<string>,
  category struct<old_id:string, old:string, new_id:string, new:string, sentiment:string>,
  status struct<old:string, new:string>,
  alert struct<account_id:string, reason:string, title:string, message:string>,
  provider_event_id string,
  source string,
  origin string,
  attempt int,
  generation int,
  flags array<string>,
  state string,
  omitted array<string>,
  raw string
)
PARTITIONED BY (account string, day string, hour int)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://BUCKET/PREFIX/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'enum',
  'projection.account.values' = 'ACCOUNTS',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2025-01-01,NOW',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '0,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = 's3://BUCKET/PREFIX/account=${account}/day=${day}/hour=${hour}/'
);
