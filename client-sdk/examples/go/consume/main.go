// Prints a topic's records as a member of a group, at least once: consume HOST:PORT[,HOST:PORT...] TOPIC GROUP
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"kontiki.io/go/dial"
	kontiki "kontiki.io/go/kontiki/v1"
)

func main() {
	brokers, err := dial.Dial(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	subscribe := &kontiki.Subscribe{Topics: []string{os.Args[2]}, Group: os.Args[3]}
	for ; ; time.Sleep(100 * time.Millisecond) {
		err := consume(brokers, subscribe)
		switch status.Code(err) {
		case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange, codes.DataLoss:
			log.Fatal(err)
		}
	}
}

func consume(brokers kontiki.LogServiceClient, subscribe *kontiki.Subscribe) error {
	stream, err := brokers.Consume(context.Background())
	if err != nil {
		return err
	}
	stream.Send(&kontiki.ConsumeRequest{Action: &kontiki.ConsumeRequest_Subscribe{Subscribe: subscribe}})
	for event, err := stream.Recv(); ; event, err = stream.Recv() {
		if err != nil {
			return err // of what Send could not send, too
		}
		if assigned := event.GetAssigned(); assigned != nil {
			subscribe.MemberId = assigned.MemberId
		} else if records := event.GetRecords(); records != nil {
			for _, record := range records.Records {
				fmt.Println(records.Partition, record.Offset, string(record.Value))
			}
			commit := &kontiki.Commit{Offsets: []*kontiki.PartitionOffset{records.Position}}
			stream.Send(&kontiki.ConsumeRequest{Action: &kontiki.ConsumeRequest_Commit{Commit: commit}})
		}
	}
}
