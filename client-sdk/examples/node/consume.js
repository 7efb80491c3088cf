// Prints a topic's records as a member of a group, at least once: node consume.js HOST:PORT[,HOST:PORT...] TOPIC GROUP
const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [brokers, topic, group] = process.argv.slice(2);
const config = fs.readFileSync(path.join(__dirname, '../service_config.json'), 'utf8');
const options = { 'grpc.service_config': config, 'grpc.keepalive_time_ms': 10000, 'grpc.keepalive_timeout_ms': 5000 };
const includeDirs = [path.join(__dirname, '../../../proto/src/main/protobuf')];
const form = { includeDirs, keepCase: true, defaults: true, longs: String, oneofs: true };
const { LogService } = grpc.loadPackageDefinition(loader.loadSync('kontiki/v1/log.proto', form)).kontiki.v1;
const client = new LogService(`ipv4:${brokers}`, grpc.credentials.createInsecure(), options);
const final = ['INVALID_ARGUMENT', 'NOT_FOUND', 'FAILED_PRECONDITION', 'OUT_OF_RANGE', 'DATA_LOSS'];
function consume(member_id) {
  const stream = client.Consume();
  stream.write({ subscribe: { group, topics: [topic], member_id } });
  stream.on('data', ({ assigned, records }) => {
    if (assigned) member_id = assigned.member_id;
    for (const { offset, value } of records?.records ?? []) console.log(records.partition, offset, String(value));
    if (records) stream.write({ commit: { offsets: [records.position] } });
  });
  stream.on('error', (error) => { if (final.includes(grpc.status[error.code])) throw error; });
  stream.on('status', () => setTimeout(consume, 100, member_id));
}
consume('');
