// sarama of today with its default configuration, but acks of all: cluster admin, sync producer, a group of two.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

type reader struct {
	lock sync.Mutex
	seen map[string]bool
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (r *reader) count() int                                { r.lock.Lock(); defer r.lock.Unlock(); return len(r.seen) }

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, more := <-claim.Messages():
			if !more {
				return nil
			}
			if string(m.Value) != "v"+string(m.Key) || string(m.Headers[0].Value) != "h"+string(m.Key) {
				check(fmt.Errorf("read %s %s", m.Key, m.Value))
			}
			r.lock.Lock()
			r.seen[string(m.Key)] = true
			r.lock.Unlock()
			session.MarkMessage(m, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func main() {
	brokers, topic, flag := strings.Split(os.Args[1], ","), os.Args[2], os.Args[3]
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true // its sync producer asks for that
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Retry.Max = 100 // its default, three times 100 ms, is shorter than a failover
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	admin, err := sarama.NewClusterAdmin(brokers, config)
	check(err)
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 3}, false))
	r := &reader{seen: map[string]bool{}}
	ctx, over := context.WithCancel(context.Background())
	var done sync.WaitGroup
	for i := 0; i < 2; i++ {
		member, err := sarama.NewConsumerGroup(brokers, topic, config)
		check(err)
		done.Add(1)
		go func() {
			defer done.Done()
			for ctx.Err() == nil {
				if err := member.Consume(ctx, []string{topic}, r); err != nil {
					fmt.Println("consume:", err)
				}
			}
			check(member.Close())
		}()
	}
	producer, err := sarama.NewSyncProducer(brokers, config)
	check(err)
	n := 0
	send := func() {
		key := fmt.Sprint(n)
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder("v" + key),
			Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: []byte("h" + key)}}})
		check(err)
		n++
	}
	for n < 300 {
		send()
	}
	for r.count() < n {
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
	for i := 0; i < 1000 && r.count() < n; i++ {
		time.Sleep(50 * time.Millisecond)
	}
	if r.count() != n {
		check(fmt.Errorf("%d read of %d", r.count(), n))
	}
	over()
	done.Wait()
	admin, err = sarama.NewClusterAdmin(brokers, config) // it keeps the controller that it found, dead or not
	check(err)
	groups, err := admin.DescribeConsumerGroups([]string{topic})
	check(err)
	if groups[0].State != "Empty" {
		check(fmt.Errorf("group %v", groups[0]))
	}
	offsets, err := admin.ListConsumerGroupOffsets(topic, map[string][]int32{topic: {0, 1, 2}})
	check(err)
	sum := int64(0)
	for _, block := range offsets.Blocks[topic] {
		sum += block.Offset
	}
	if sum < int64(n) {
		check(fmt.Errorf("committed %d of %d", sum, n))
	}
	check(admin.DeleteConsumerGroup(topic))
	check(admin.DeleteTopic(topic))
	fmt.Println("passed")
}
