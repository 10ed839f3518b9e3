-- Parked files are looked for every two seconds, to be tried again once their rest (due_at) is over.
create index ingest_files_parked on ingest_files (due_at) where status = 'parked';

comment on column ingest_files.attempts is
  'claims alone since the last progress, each of which its owner did not live through; parked after 3';
comment on column ingest_files.due_at is 'not to be claimed before; of a parked file: when it is tried again';
