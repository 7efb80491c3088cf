// kafkajs: admin, an idempotent producer without and with gzip, a group of two.
const fs = require('fs');
const { Kafka, CompressionTypes, logLevel } = require('kafkajs');
const [bootstrap, topic, flag] = process.argv.slice(2);
const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.ERROR, retry: { retries: 20, maxRetryTime: 2000 } });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const check = (holds, what) => { if (!holds) throw new Error(what); };

async function main() {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 3 }] });
  const seen = new Map(); // place to number
  const members = [kafka.consumer({ groupId: topic, sessionTimeout: 10000, heartbeatInterval: 500 }),
    kafka.consumer({ groupId: topic, sessionTimeout: 10000, heartbeatInterval: 500 })];
  for (const member of members) {
    await member.connect();
    await member.subscribe({ topic, fromBeginning: true });
    await member.run({ eachMessage: async ({ partition, message }) => {
      const i = Number(message.key);
      check(String(message.value) === 'v' + i && String(message.headers.n) === 'h' + i && Number(message.timestamp) === 1000000 + i, 'read ' + message.value);
      seen.set(partition + '/' + message.offset, i);
    } });
  }
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  let n = 0;
  const send = async (count) => {
    const messages = [];
    for (; messages.length < count; n++) messages.push({ key: String(n), value: 'v' + n, headers: { n: 'h' + n }, timestamp: String(1000000 + n) });
    await producer.send({ topic, acks: -1, messages, compression: n % 2 ? CompressionTypes.GZIP : CompressionTypes.None });
  };
  for (let i = 0; i < 30; i++) await send(11);
  while (seen.size < n) await pause(20);
  console.log('half');
  for (let more = 100; more > 0; more -= fs.existsSync(flag) ? 1 : 0) {
    await send(1);
    await pause(10);
  }
  for (let i = 0; i < 1000 && seen.size < n; i++) await pause(50);
  for (const member of members) { await member.stop(); await member.disconnect(); }
  await producer.disconnect();
  check(seen.size === n && new Set(seen.values()).size === n, seen.size + ' read of ' + n);
  const committed = (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0].partitions;
  check(committed.reduce((sum, one) => sum + Number(one.offset), 0) === n, JSON.stringify(committed));
  const described = await admin.describeGroups([topic]);
  check(described.groups[0].state === 'Empty', JSON.stringify(described));
  await admin.deleteGroups([topic]);
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  console.log('passed');
}
main().catch((e) => { console.log(e); process.exit(1); });
