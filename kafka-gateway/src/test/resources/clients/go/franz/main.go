// franz-go: admin, an idempotent producer in every codec, a group of two.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// The library does not repeat a call to a coordinator that it cannot dial; the next one asks who it is now.
func again(call func() error) {
	until := time.Now().Add(30 * time.Second)
	for err := call(); err != nil; err = call() {
		if time.Now().After(until) {
			check(err)
		}
		fmt.Println("again:", err)
		time.Sleep(200 * time.Millisecond)
	}
}

func main() {
	topic, flag := os.Args[2], os.Args[3]
	seeds := kgo.SeedBrokers(strings.Split(os.Args[1], ",")...)
	ctx := context.Background()
	plain, err := kgo.NewClient(seeds)
	check(err)
	admin := kadm.NewClient(plain)
	_, err = admin.CreateTopic(ctx, 3, 3, nil, topic)
	check(err)
	var lock sync.Mutex
	seen := map[string]string{} // place to value
	count := func() int { lock.Lock(); defer lock.Unlock(); return len(seen) }
	var members []*kgo.Client
	var done sync.WaitGroup
	consuming, over := context.WithCancel(ctx)
	for i := 0; i < 2; i++ {
		member, err := kgo.NewClient(seeds, kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(500*time.Millisecond))
		check(err)
		members = append(members, member)
		done.Add(1)
		go func() {
			defer done.Done()
			for consuming.Err() == nil {
				member.PollFetches(consuming).EachRecord(func(r *kgo.Record) {
					if string(r.Value) != "v"+string(r.Key) || string(r.Headers[0].Value) != "h"+string(r.Key) {
						check(fmt.Errorf("read %s %s", r.Key, r.Value))
					}
					lock.Lock()
					seen[fmt.Sprint(r.Partition, "/", r.Offset)] = string(r.Value)
					lock.Unlock()
				})
				if err := member.CommitUncommittedOffsets(ctx); err != nil {
					fmt.Println("commit:", err) // a rebalance or another coordinator: with the next
				}
			}
		}()
	}
	var producers []*kgo.Client
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		producer, err := kgo.NewClient(seeds, kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))
		check(err)
		producers = append(producers, producer)
	}
	n := 0
	send := func(wait bool) {
		key := fmt.Sprint(n)
		record := &kgo.Record{Key: []byte(key), Value: []byte("v" + key), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte("h" + key)}}}
		if wait {
			check(producers[n%5].ProduceSync(ctx, record).FirstErr())
		} else {
			producers[n%5].Produce(ctx, record, func(_ *kgo.Record, err error) { check(err) })
		}
		n++
	}
	for n < 300 {
		send(false)
	}
	for _, producer := range producers {
		check(producer.Flush(ctx))
	}
	for count() < n {
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("half")
	for more := 100; more > 0; {
		send(true)
		time.Sleep(10 * time.Millisecond)
		if _, err := os.Stat(flag); err == nil {
			more--
		}
	}
	for i := 0; i < 1000 && count() < n; i++ {
		time.Sleep(50 * time.Millisecond)
	}
	values := map[string]bool{}
	lock.Lock()
	for _, value := range seen {
		values[value] = true
	}
	lock.Unlock()
	if count() != n || len(values) != n {
		check(fmt.Errorf("%d read of %d, %d different", count(), n, len(values)))
	}
	over()
	done.Wait()
	sum := int64(0)
	var offsets kadm.OffsetResponses
	again(func() error { offsets, err = admin.FetchOffsets(ctx, topic); return err })
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	if sum != int64(n) {
		check(fmt.Errorf("committed %d of %d", sum, n))
	}
	var described kadm.DescribedGroups
	again(func() error {
		described, err = admin.DescribeGroups(ctx, topic)
		if err == nil {
			err = described.Error()
		}
		return err
	})
	if len(described[topic].Members) != 2 {
		check(fmt.Errorf("members %v", described))
	}
	for _, member := range members {
		member.Close()
	}
	again(func() error { _, err = admin.DeleteGroups(ctx, topic); return err })
	again(func() error { _, err = admin.DeleteTopics(ctx, topic); return err })
	fmt.Println("passed")
}
