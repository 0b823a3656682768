package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"bench"
)

// What a run is asked for, and what all its workers share.
type load struct {
	client bench.EchoClient
	chunk  *bench.Chunk
	// How many unary calls are still to do: a slow worker then does less than its share.
	left int64
	// What the single operations took, as far as they have an end of their own.
	times []time.Duration
	timed int64
}

// What one goroutine does; returns when its share is done.
type worker func(run *load, share int) error

var workers = map[string]worker{
	"unary": (*load).unary, "download": (*load).download,
	"upload": (*load).upload, "chat": (*load).chat,
}

func (run *load) took(begin time.Time) {
	run.times[atomic.AddInt64(&run.timed, 1)-1] = time.Since(begin)
}

func (run *load) checkLength(answer *bench.Chunk) error {
	if len(answer.Body) != len(run.chunk.Body) {
		return fmt.Errorf(
			"an answer of %d bytes instead of %d", len(answer.Body), len(run.chunk.Body))
	}
	return nil
}

func (run *load) unary(int) error {
	for atomic.AddInt64(&run.left, -1) >= 0 {
		begin := time.Now()
		answer, err := run.client.Unary(context.Background(), run.chunk)
		if err != nil {
			return err
		}
		run.took(begin)
		if err := run.checkLength(answer); err != nil {
			return err
		}
	}
	return nil
}

func (run *load) download(share int) error {
	order := &bench.Order{Count: int32(share), Size: int32(len(run.chunk.Body))}
	stream, err := run.client.Download(context.Background(), order)
	if err != nil {
		return err
	}
	for seen := 0; ; seen++ {
		chunk, err := stream.Recv()
		if err == io.EOF && seen == share {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d of %d messages: %w", seen, share, err)
		}
		if err := run.checkLength(chunk); err != nil {
			return err
		}
	}
}

func (run *load) upload(share int) error {
	stream, err := run.client.Upload(context.Background())
	if err != nil {
		return err
	}
	for left := share; left > 0; left-- {
		// io.EOF says that the call is over; why, CloseAndRecv tells.
		if err := stream.Send(run.chunk); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	total, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	size := int32(int64(share) * int64(len(run.chunk.Body)) & 0x7fffffff)
	if total.Count != int32(share) || total.Size != size {
		return fmt.Errorf("an upload of %d messages, %d bytes", total.Count, total.Size)
	}
	return nil
}

func (run *load) chat(share int) error {
	stream, err := run.client.Chat(context.Background())
	if err != nil {
		return err
	}
	for left := share; left > 0; left-- {
		begin := time.Now()
		if err := stream.Send(run.chunk); err != nil && err != io.EOF {
			return err
		}
		answer, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("%d answers before the end: %w", left, err)
		}
		run.took(begin)
		if err := run.checkLength(answer); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("instead of the end of a chat: %v", err)
	}
	return nil
}
