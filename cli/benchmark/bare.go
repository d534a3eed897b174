package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// The bare side has the hops of the protocol over the same bus: daemon, dispatcher,
// worker. They carry messages of the same sizes, the first token at once and the rest
// at the end, and encrypt, check, count, write and pay nothing.

// Subjects of the bare side, in the order in which an answer passes them.
const (
	bareStart = "start"
	bareOrder = "order"
	bareFrame = "frame"
	bareEvent = "event"
)

// A message is the number of its request, then a request with the room that wrapped
// keys take, or whether an answer ends with it and what came of the answer.
const (
	bareHead  = 8
	bareWraps = workers * envelope.WrapSize
)

// serveBareDispatcher passes on what daemon and workers say, on a server of its own.
func serveBareDispatcher(ctx context.Context, _ []string) error {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(startTimeout) {
		return errors.New("the server does not come up")
	}
	c, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return err
	}
	defer c.Close()
	for from, to := range map[string]string{bareStart: bareOrder, bareFrame: bareEvent} {
		if _, err = c.Subscribe(from, func(m *nats.Msg) { bareTell(c, to, m.Data) }); err != nil {
			return err
		}
	}
	return bareUp(ctx, c, served{s.ClientURL()})
}

func bareTell(c *nats.Conn, subject string, m []byte) {
	if err := c.Publish(subject, m); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
}

// bareUp says so once the server knows what c has subscribed to, and waits for the end.
func bareUp(ctx context.Context, c *nats.Conn, up any) error {
	if err := c.FlushTimeout(startTimeout); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(up); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// serveBareWorker has the engine at args[1] answer what the dispatcher at args[0] sends.
func serveBareWorker(ctx context.Context, args []string) error {
	c, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	engine := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}}
	_, err = c.Subscribe(bareOrder, func(m *nats.Msg) {
		go func() {
			if err := bareAnswer(ctx, c, engine, args[1], m.Data); err != nil {
				fmt.Fprintln(os.Stderr, "error:", err)
			}
		}()
	})
	if err != nil {
		return err
	}
	return bareUp(ctx, c, struct{}{})
}

func bareAnswer(ctx context.Context, c *nats.Conn, engine *http.Client, url string, order []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(order[bareHead:len(order)-bareWraps]))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := engine.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	from := bufio.NewReaderSize(answer.Body, 32<<10)
	head := append(bytes.Clone(order[:bareHead]), 0)
	frame := bytes.Clone(head)
	for first := true; ; {
		line, err := from.ReadSlice('\n')
		frame = append(frame, line...)
		switch {
		case errors.Is(err, io.EOF):
			frame[bareHead] = 1
			return c.Publish(bareFrame, frame)
		case err != nil:
			return err
		case first && len(line) == 1: // the end of its first event
			if err = c.Publish(bareFrame, frame); err != nil {
				return err
			}
			first, frame = false, bytes.Clone(head)
		}
	}
}

// bareDaemon hands what comes of a request to who asked.
type bareDaemon struct {
	conn *nats.Conn

	mu   sync.Mutex
	last uint64
	open map[uint64]chan []byte
}

// serveBareDaemon serves applications over the dispatcher at args[0].
func serveBareDaemon(ctx context.Context, args []string) error {
	c, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	d := &bareDaemon{conn: c, open: map[uint64]chan []byte{}}
	if _, err = c.Subscribe(bareEvent, d.hear); err != nil {
		return err
	}
	if err = c.FlushTimeout(startTimeout); err != nil {
		return err
	}
	return serve(ctx, d)
}

func (d *bareDaemon) hear(m *nats.Msg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to := d.open[binary.BigEndian.Uint64(m.Data)]; to != nil {
		to <- m.Data[bareHead:] // an answer has two, for which there is room
	}
}

func (d *bareDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request was cut", http.StatusBadRequest)
		return
	}
	events := make(chan []byte, 2)
	d.mu.Lock()
	d.last++
	id := d.last
	d.open[id] = events
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, id)
	}()
	m := binary.BigEndian.AppendUint64(make([]byte, 0, bareHead+len(body)+bareWraps), id)
	m = append(m, body...)
	if err = d.conn.Publish(bareStart, append(m, make([]byte, bareWraps)...)); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for ended := false; !ended; {
		select {
		case event := <-events:
			ended = event[0] == 1
			_, _ = w.Write(event[1:])
			_ = http.NewResponseController(w).Flush() // who has gone is noticed below
		case <-r.Context().Done():
			return
		}
	}
}
