// Answers queries by the protocol of ToolWorkers.cs: a line of base64 texts in, a line with code, output and error out.
// Its argument is the folder of the package chdb.
'use strict';
const { queryAsync } = require(process.argv[2]);

// Iceberg tables are read below the working directory only.
process.chdir('/');

const settings = ' SETTINGS output_format_json_quote_decimals = 1';
const encode = text => '=' + Buffer.from(text).toString('base64');

async function run(sql) {
  try {
    const result = await queryAsync(sql + settings, { format: 'JSONEachRow' });
    return `0 ${encode(Buffer.from(result.bytes()).toString('latin1'))} ${encode('')}`;
  } catch (error) {
    return `1 ${encode('')} ${encode(String(error))}`;
  }
}

(async () => {
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const sql = Buffer.from(line.trim().slice(1), 'base64').toString();
    process.stdout.write(await run(sql) + '\n');
  }
  process.exit(0);
})();
