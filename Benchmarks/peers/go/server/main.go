// bench.Echo on gRPC Go, with the code that its plug-in for protoc generates.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"bench"
)

type echo struct{}

func (echo) Unary(_ context.Context, chunk *bench.Chunk) (*bench.Chunk, error) {
	return chunk, nil
}

func (echo) Download(order *bench.Order, stream bench.Echo_DownloadServer) error {
	chunk := &bench.Chunk{Body: make([]byte, order.Size)}
	for left := order.Count; left > 0; left-- {
		if err := stream.Send(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (echo) Upload(stream bench.Echo_UploadServer) error {
	var count int32
	var size int64
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&bench.Order{Count: count, Size: int32(size & 0x7fffffff)})
		}
		if err != nil {
			return err
		}
		count++
		size += int64(len(chunk.Body))
	}
}

func (echo) Chat(stream bench.Echo_ChatServer) error {
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(chunk); err != nil {
			return err
		}
	}
}

func end(status int, reason interface{}) {
	fmt.Fprintln(os.Stderr, "go-server:", reason)
	os.Exit(status)
}

func main() {
	flags := flag.NewFlagSet("go-server", flag.ContinueOnError)
	// Else it prints all options, where one line is due.
	flags.SetOutput(io.Discard)
	port := flags.Uint("port", 0, "")
	cert := flags.String("cert", "", "")
	key := flags.String("key", "", "")
	if err := flags.Parse(os.Args[1:]); err != nil {
		end(2, err)
	}
	if flags.NArg() > 0 {
		end(2, "unknown argument "+flags.Arg(0))
	}
	if *port > 65535 {
		end(2, "--port needs a number from 0 to 65535")
	}
	if (*cert == "") != (*key == "") {
		end(2, "--cert and --key go together")
	}
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(16 << 20), grpc.MaxConcurrentStreams(1000)}
	if *cert != "" {
		tls, err := credentials.NewServerTLSFromFile(*cert, *key)
		if err != nil {
			end(2, err)
		}
		options = append(options, grpc.Creds(tls))
	}

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		end(1, err)
	}
	server := grpc.NewServer(options...)
	bench.RegisterEchoServer(server, echo{})
	fmt.Println("Listening on", listener.Addr())
	if err := server.Serve(listener); err != nil {
		end(1, err)
	}
}
