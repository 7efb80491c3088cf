// kafka-node 5, KafkaClient: topic, producer without and with gzip, ConsumerGroup, Admin.
// UNAIDED=send or fetch leaves out what the program does for the client there (limits-on-kafka.sh).
const fs = require('fs');
const kafka = require('kafka-node');
const [kafkaHost, topic, flag] = process.argv.slice(2);
const unaided = process.env.UNAIDED || '';
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const call = (f) => new Promise((resolve, reject) => f((e, value) => (e ? reject(e) : resolve(value))));

async function main() {
  const client = new kafka.KafkaClient({ kafkaHost, requestTimeout: 10000 });
  client.on('error', (e) => console.log('client: ' + e.message));
  await new Promise((resolve) => client.once('ready', resolve));
  console.log(await call((done) => client.createTopics([{ topic, partitions: 3, replicationFactor: 3 }], done)));
  const producer = new kafka.HighLevelProducer(client, { requireAcks: -1, partitionerType: 3 });
  producer.on('error', (e) => console.log('producer: ' + e.message));
  const seen = new Set();
  const members = [1, 2].map((i) => {
    const member = new kafka.ConsumerGroup({ kafkaHost, id: 'member' + i, groupId: topic, fromOffset: 'earliest',
      sessionTimeout: 10000, heartbeatInterval: 500, protocol: ['roundrobin'], retries: 30, retryMinTimeout: 200, retryMaxTimeout: 1000 }, topic);
    member.on('error', (e) => console.log('member: ' + e.message));
    member.on('message', (message) => {
      if (message.value !== 'v' + message.key) throw new Error(JSON.stringify(message));
      seen.add(Number(message.key));
    });
    return member;
  });
  let n = 0;
  const send = async (count) => {
    const messages = [];
    for (; messages.length < count; n++) messages.push(new kafka.KeyedMessage(String(n), 'v' + n));
    for (let attempt = 0; ; attempt++) {
      try {
        await call((done) => producer.send([{ topic, key: messages[0].key, messages, attributes: n % 2 }], done));
        return;
      } catch (e) { // it leaves a moved leader to the program
        if (unaided === 'send' && fs.existsSync(flag) && e.message !== 'RequestTimedOut') {
          throw new Error('left to the program: ' + (e.message || JSON.stringify(e)));
        }
        if (attempt === 100) throw e;
        await call((done) => client.refreshMetadata([topic], () => done()));
        await pause(200);
      }
    }
  };
  for (let i = 0; i < 30; i++) await send(11);
  while (seen.size < n) await pause(20);
  console.log('half');
  for (let more = 100; more > 0; more -= fs.existsSync(flag) ? 1 : 0) {
    await send(1);
    await pause(10);
  }
  for (let i = 0; i < 1200 && seen.size < n; i++) {
    await pause(50);
    if (i % 100 === 99 && unaided !== 'fetch') { // it stops to fetch when a broker is gone and the metadata name it still
      for (const member of members) {
        await call((done) => member.client.refreshMetadata([topic], () => done()));
        member.reconnectIfNeeded();
      }
    }
  }
  if (seen.size !== n) throw new Error(seen.size + ' read of ' + n);
  const admin = new kafka.Admin(client);
  const described = await call((done) => admin.describeGroups([topic], done));
  if (described[topic].members.length !== 2) throw new Error(JSON.stringify(described));
  for (const member of members) await call((done) => member.close(true, done));
  console.log('passed');
  process.exit(0);
}
main().catch((e) => { console.log(e); process.exit(1); });
