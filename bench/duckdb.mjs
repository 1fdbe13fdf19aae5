// DuckDB as the baseline and the checker. node duckdb.mjs MODULES VERB …
//   convert IN.ndjson OUT.parquet   NDJSON file -> Parquet zstd, the five fields, one thread
//   verify GLOB                     prints {records, cents, ids} of Parquet files
//   encode IN.ndjson OUT.parquet    loads the five fields into memory, prints {"loaded": n}; then for every line on stdin
//                                   writes them to Parquet zstd and prints {cpu, bytes}: that write alone
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { statSync } from 'node:fs';

const [modules, verb, input, output] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(modules + '/')('@duckdb/node-api');

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
const quote = (text) => `'${text.replaceAll("'", "''")}'`;
const fields = `columns = {event_id: 'VARCHAR', user_id: 'VARCHAR', event_type: 'VARCHAR', page_url: 'VARCHAR', amount: 'DOUBLE'}`;
const events = () => `SELECT event_id, user_id, event_type, page_url, amount FROM read_json(${quote(input)}, format = 'newline_delimited', ${fields})`;
const toParquet = (from) => `COPY ${from} TO ${quote(output)} (FORMAT parquet, COMPRESSION zstd)`;
const print = (value) => console.log(JSON.stringify(value));

if (verb === 'convert') {
  await connection.run(toParquet(`(${events()})`));
} else if (verb === 'verify') {
  const facts = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE AS records, sum(round(amount * 100)::BIGINT)::DOUBLE AS cents, count(DISTINCT event_id)::DOUBLE AS ids FROM read_parquet(${quote(input)})`);
  print(facts.getRowObjectsJson()[0]);
} else if (verb === 'encode') {
  await connection.run(`CREATE TABLE events AS ${events()}`);
  const count = await connection.runAndReadAll('SELECT count(*)::DOUBLE AS loaded FROM events');
  print(count.getRowObjectsJson()[0]);
  for await (const _ of createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    await connection.run(toParquet('events'));
    const { user, system } = process.cpuUsage(before);
    print({ cpu: (user + system) / 1e6, bytes: statSync(output).size });
  }
} else {
  console.error('usage: duckdb.mjs MODULES convert|verify|encode …');
  process.exitCode = 2;
}
