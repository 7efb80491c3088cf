// Package dial connects to all brokers of a list.
package dial

import (
	_ "embed"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	kontiki "kontiki.io/go/kontiki/v1"
)

//go:embed service_config.json
var serviceConfig string

// Dial takes HOST:PORT[,HOST:PORT...].
func Dial(brokers string) (kontiki.LogServiceClient, error) {
	var state resolver.State
	for _, broker := range strings.Split(brokers, ",") {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: broker})
	}
	list := manual.NewBuilderWithScheme("brokers")
	list.InitialState(state)
	connection, err := grpc.NewClient("brokers:///kontiki", // the path becomes :authority
		grpc.WithResolvers(list),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	return kontiki.NewLogServiceClient(connection), err
}
