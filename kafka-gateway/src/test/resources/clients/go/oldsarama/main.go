// sarama of 2018 with its default configuration, the protocol of Kafka 0.8.2, but acks of all: sync producer without and
// with gzip and snappy, consumers of partitions, offsets at the coordinator.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/sarama"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	brokers, topic, flag := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	var producers []sarama.SyncProducer
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy} {
		config := sarama.NewConfig()
		config.Producer.Return.Successes = true // its sync producer asks for that
		config.Producer.RequiredAcks = sarama.WaitForAll
		config.Producer.Retry.Max = 100 // its default, three times 100 ms, is shorter than a failover
		config.Producer.Compression = codec
		producer, err := sarama.NewSyncProducer(brokers, config)
		check(err)
		producers = append(producers, producer)
	}
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	check(err)
	offsets, err := sarama.NewOffsetManagerFromClient(topic, client)
	check(err)
	consumer, err := sarama.NewConsumerFromClient(client)
	check(err)
	var lock sync.Mutex
	seen := map[string]bool{}
	count := func() int { lock.Lock(); defer lock.Unlock(); return len(seen) }
	next := make([]int64, 3)
	for p := int32(0); p < 3; p++ {
		at, err := offsets.ManagePartition(topic, p)
		check(err)
		partition, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		check(err)
		go func(p int32) {
			for m := range partition.Messages() {
				if string(m.Value) != "v"+string(m.Key) {
					check(fmt.Errorf("read %s %s", m.Key, m.Value))
				}
				at.MarkOffset(m.Offset+1, "")
				lock.Lock()
				seen[string(m.Key)] = true
				next[p] = m.Offset + 1
				lock.Unlock()
			}
		}(p)
	}
	n := 0
	send := func() {
		key := fmt.Sprint(n)
		_, _, err := producers[n%3].SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder("v" + key)})
		check(err)
		n++
	}
	for n < 300 {
		send()
	}
	for count() < n {
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("half")
	for more := 100; more > 0; {
		send()
		time.Sleep(10 * time.Millisecond)
		if _, err := os.Stat(flag); err == nil {
			more--
		}
	}
	for i := 0; i < 1000 && count() < n; i++ {
		time.Sleep(50 * time.Millisecond)
	}
	if count() != n {
		check(fmt.Errorf("%d read of %d", count(), n))
	}
	check(offsets.Close()) // what is marked is flushed every second; this waits
	again, err := sarama.NewOffsetManagerFromClient(topic, client)
	check(err)
	for p := int32(0); p < 3; p++ {
		at, err := again.ManagePartition(topic, p)
		check(err)
		if found, _ := at.NextOffset(); found != next[p] {
			check(fmt.Errorf("partition %d committed %d, read to %d", p, found, next[p]))
		}
	}
	fmt.Println("passed")
}
