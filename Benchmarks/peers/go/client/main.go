// Load on bench.Echo from gRPC Go, on one connection, with a goroutine for each operation that is
// under way. Prints a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"bench"
)

// In the order in which the line shall have them.
type result struct {
	Operations int      `json:"operations"`
	Seconds    float64  `json:"seconds"`
	CPU        float64  `json:"cpu"`
	P50        *float64 `json:"p50_us"`
	P99        *float64 `json:"p99_us"`
}

// A number on the command line, up to what Order can carry.
type number struct {
	least, value int
	given        bool
}

func (wanted *number) String() string {
	return strconv.Itoa(wanted.value)
}

func (wanted *number) Set(text string) error {
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || int(value) < wanted.least {
		return fmt.Errorf("needs a number from %d to %d", wanted.least, math.MaxInt32)
	}
	wanted.value, wanted.given = int(value), true
	return nil
}

func end(status int, reason interface{}) {
	fmt.Fprintln(os.Stderr, "go-client:", reason)
	os.Exit(status)
}

func cpuSeconds() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		end(1, err)
	}
	return float64(now.Nano()) / 1e9
}

// In microseconds; none of none.
func percentile(sorted []time.Duration, share float64) *float64 {
	if len(sorted) == 0 {
		return nil
	}
	rank := int(math.Ceil(share * float64(len(sorted))))
	if rank < 1 {
		rank = 1
	}
	microseconds := math.Round(float64(sorted[rank-1])/100) / 10
	return &microseconds
}

func measure(work worker, client bench.EchoClient, operations, atOnce, bytes int) result {
	run := &load{
		client: client,
		chunk:  &bench.Chunk{Body: make([]byte, bytes)},
		left:   int64(operations),
		times:  make([]time.Duration, operations),
	}
	if atOnce > operations {
		atOnce = operations
	}
	done := make(chan error, atOnce)
	cpu, begin := cpuSeconds(), time.Now()
	for index := 0; index < atOnce; index++ {
		share := operations / atOnce
		if index < operations%atOnce {
			share++
		}
		go func() { done <- work(run, share) }()
	}
	for index := 0; index < atOnce; index++ {
		if err := <-done; err != nil {
			end(1, err)
		}
	}
	seconds := time.Since(begin).Seconds()
	cpu = cpuSeconds() - cpu
	times := run.times[:run.timed]
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	return result{operations, seconds, cpu, percentile(times, 0.5), percentile(times, 0.99)}
}

func connect(address, ca string) *grpc.ClientConn {
	options := []grpc.DialOption{
		grpc.WithBlock(),
		grpc.WithReturnConnectionError(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16 << 20)),
	}
	if ca == "" {
		options = append(options, grpc.WithInsecure())
	} else {
		tls, err := credentials.NewClientTLSFromFile(ca, "localhost")
		if err != nil {
			end(2, err)
		}
		options = append(options, grpc.WithTransportCredentials(tls))
	}
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	connection, err := grpc.DialContext(limit, address, options...)
	if err != nil {
		end(1, err)
	}
	return connection
}

func main() {
	flags := flag.NewFlagSet("go-client", flag.ContinueOnError)
	// Else it prints all options, where one line is due.
	flags.SetOutput(io.Discard)
	address := flags.String("address", "", "")
	ca := flags.String("ca", "", "")
	mode := flags.String("mode", "", "")
	calls, atOnce, bytes, warmUp := number{least: 1}, number{least: 1}, number{}, number{}
	flags.Var(&calls, "calls", "")
	flags.Var(&atOnce, "at-once", "")
	flags.Var(&bytes, "bytes", "")
	flags.Var(&warmUp, "warm-up", "")
	if err := flags.Parse(os.Args[1:]); err != nil {
		end(2, err)
	}
	work := workers[*mode]
	switch {
	case flags.NArg() > 0:
		end(2, "unknown argument "+flags.Arg(0))
	case work == nil:
		end(2, "--mode is unary, download, upload or chat")
	case *address == "":
		end(2, "--address is missing")
	case !calls.given || !atOnce.given || !bytes.given:
		end(2, "--calls, --at-once or --bytes is missing")
	}
	if !warmUp.given {
		warmUp.value = calls.value / 10
		if warmUp.value < atOnce.value {
			warmUp.value = atOnce.value
		}
	}

	client := bench.NewEchoClient(connect(*address, *ca))
	if warmUp.value > 0 {
		measure(work, client, warmUp.value, atOnce.value, bytes.value)
	}
	line, err := json.Marshal(measure(work, client, calls.value, atOnce.value, bytes.value))
	if err != nil {
		end(1, err)
	}
	fmt.Println(string(line))
}
