// Appends each line of its input to a topic, once: produce HOST:PORT[,HOST:PORT...] TOPIC
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"

	"kontiki.io/go/dial"
	kontiki "kontiki.io/go/kontiki/v1"
)

func main() {
	brokers, err := dial.Dial(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	producer, err := brokers.InitProducerId(context.Background(), &kontiki.InitProducerIdRequest{})
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for sequence := int32(0); lines.Scan(); sequence++ {
		response, err := brokers.Produce(context.Background(), &kontiki.ProduceRequest{
			Topic:      os.Args[2],
			Records:    []*kontiki.LogRecord{{Value: lines.Bytes()}},
			ProducerId: &producer.ProducerId,
			Sequence:   sequence,
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(response.Positions[0].Partition, response.Positions[0].GetOffset())
	}
}
