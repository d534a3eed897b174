package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cocoon-network/cocoon/protocol/stream"
)

// wire stands between a dispatcher's NATS server and everybody else. A hostile
// dispatcher, client or network can do no more than it: forge no signature, and
// for the rest whatever it likes.
type wire struct {
	to     string // the dispatcher
	listen net.Listener

	mu     sync.Mutex
	meddle func(said) []said // nil passes all on; it may keep what it is given
	tap    func(up bool, bytes []byte)
	subs   map[string]sub // by subject
	conns  map[net.Conn]bool
}

// said is one message on its way. Up is towards the dispatcher.
type said struct {
	up      bool
	subject string
	sid     string // down
	reply   string
	headers int // bytes of data that are headers; -1 where there can be none
	data    []byte
	after   time.Duration // how long it is held back; what is said later may pass it
}

// sub is who listens to a subject.
type sub struct {
	sid string
	to  *mouth
}

// mouth writes messages to one side of a connection.
type mouth struct {
	mu sync.Mutex
	w  io.Writer
}

func (m *mouth) say(parts ...[]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range parts {
		if _, err := m.w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func newWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{to: to, listen: l, subs: map[string]sub{}, conns: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	return w, nil
}

func (w *wire) url() string { return "nats://" + w.listen.Addr().String() }

func (w *wire) close() {
	_ = w.listen.Close() // ends the loop
	w.cut()
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// with has f change what passes.
func (w *wire) with(f func(said) []said) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meddle = f
}

// inject says something to who listens to a subject, and reports whether anybody does.
func (w *wire) inject(subject, reply string, data []byte) bool {
	w.mu.Lock()
	s, ok := w.subs[subject]
	w.mu.Unlock()
	return ok && s.to.say(said{subject: subject, sid: s.sid, reply: reply, headers: -1, data: data}.bytes()...) == nil
}

func (w *wire) carry(outer net.Conn) {
	inner, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = outer.Close() // the dispatcher is down
		return
	}
	w.mu.Lock()
	w.conns[outer], w.conns[inner] = true, true
	w.mu.Unlock()
	out, in := &mouth{w: outer}, &mouth{w: inner}
	var both sync.WaitGroup
	both.Go(func() { w.copy(true, outer, in, out); _ = inner.Close() })
	both.Go(func() { w.copy(false, inner, out, out); _ = outer.Close() })
	both.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, outer)
	delete(w.conns, inner)
	for subject, s := range w.subs {
		if s.to == out {
			delete(w.subs, subject)
		}
	}
}

var connectURLs = regexp.MustCompile(`"connect_urls":\[[^]]*\],?`) // nobody dials past us

// copy reads NATS's protocol on one side and says it on the other.
func (w *wire) copy(up bool, from io.Reader, to, out *mouth) {
	r := bufio.NewReaderSize(from, 1<<16)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch op := strings.ToUpper(words[0]); op {
		case "PUB", "HPUB", "MSG", "HMSG":
			m, err := readSaid(up, op, words[1:], r)
			if err != nil {
				return
			}
			if w.pass(m, to) != nil {
				return
			}
			continue
		case "SUB":
			w.mu.Lock()
			w.subs[words[1]] = sub{words[len(words)-1], out}
			w.mu.Unlock()
		case "INFO":
			line = connectURLs.ReplaceAllString(line, "")
		}
		w.heard(up, []byte(line))
		if to.say([]byte(line)) != nil {
			return
		}
	}
}

func (w *wire) heard(up bool, b []byte) {
	w.mu.Lock()
	tap := w.tap
	w.mu.Unlock()
	if tap != nil {
		tap(up, b)
	}
}

func readSaid(up bool, op string, words []string, r io.Reader) (m said, err error) {
	m = said{up: up, subject: words[0], headers: -1}
	rest := words[1:]
	if !up {
		m.sid, rest = rest[0], rest[1:]
	}
	total, err := strconv.Atoi(rest[len(rest)-1])
	if err != nil {
		return m, err
	}
	rest = rest[:len(rest)-1]
	if op[0] == 'H' {
		if m.headers, err = strconv.Atoi(rest[len(rest)-1]); err != nil {
			return m, err
		}
		rest = rest[:len(rest)-1]
	}
	if len(rest) > 0 {
		m.reply = rest[0]
	}
	m.data = make([]byte, total+2)
	_, err = io.ReadFull(r, m.data)
	m.data = m.data[:total]
	return m, err
}

func (w *wire) pass(m said, to *mouth) error {
	w.heard(m.up, []byte(m.subject+" "+m.reply+"\n"))
	w.heard(m.up, m.data)
	w.mu.Lock()
	meddle := w.meddle
	w.mu.Unlock()
	list := []said{m}
	if meddle != nil && m.headers < 0 {
		list = nil
		for _, part := range parts(m) {
			list = append(list, meddle(part)...)
		}
	}
	for _, m := range list {
		if m.after > 0 {
			time.AfterFunc(m.after, func() { _ = to.say(m.bytes()...) }) // a connection that has gone is said nothing more
			continue
		}
		if err := to.say(m.bytes()...); err != nil {
			return err
		}
	}
	return nil
}

// parts are what a message holds, each a message of its own.
func parts(m said) (all []said) {
	held, err := stream.Unbundle(m.data)
	if err != nil {
		return []said{m} // whom it is for may judge it
	}
	for _, data := range held {
		part := m
		part.data = data
		all = append(all, part)
	}
	return all
}

// bytes are m as it travels.
func (m said) bytes() [][]byte {
	op, words := "PUB", []string{m.subject}
	if !m.up {
		op, words = "MSG", append(words, m.sid)
	}
	if m.reply != "" {
		words = append(words, m.reply)
	}
	if m.headers >= 0 {
		op, words = "H"+op, append(words, strconv.Itoa(m.headers))
	}
	return [][]byte{fmt.Appendf(nil, "%s %s %d\r\n", op, strings.Join(words, " "), len(m.data)), m.data, []byte("\r\n")}
}
