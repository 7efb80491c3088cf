// Appends each line of its input to a topic, once: node produce.js HOST:PORT[,HOST:PORT...] TOPIC
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const util = require('util');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [brokers, topic] = process.argv.slice(2);
const config = fs.readFileSync(path.join(__dirname, '../service_config.json'), 'utf8');
const options = { 'grpc.service_config': config, 'grpc.keepalive_time_ms': 10000, 'grpc.keepalive_timeout_ms': 5000 };
const includeDirs = [path.join(__dirname, '../../../proto/src/main/protobuf')];
const form = { includeDirs, keepCase: true, defaults: true, longs: String, oneofs: true };
const { LogService } = grpc.loadPackageDefinition(loader.loadSync('kontiki/v1/log.proto', form)).kontiki.v1;
const client = new LogService(`ipv4:${brokers}`, grpc.credentials.createInsecure(), options);
async function produce() {
  const { producer_id } = await util.promisify(client.InitProducerId).call(client, {});
  let sequence = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = { topic, records: [{ value: Buffer.from(line) }], producer_id, sequence: sequence++ };
    const { positions } = await util.promisify(client.Produce).call(client, request);
    console.log(positions[0].partition, positions[0].offset);
  }
}
produce().then(() => client.close());
