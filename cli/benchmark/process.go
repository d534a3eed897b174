package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// process is one of the benchmark that runs on.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said tail
}

// tail keeps the end of what a process says, for who asks why it failed.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-tailSize):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// startTimeout is how long a process may take to come up.
const startTimeout = time.Minute

// start runs this program in a role. Its first line, which says that it is up, is
// read into up.
func (b *bench) start(name string, up any, args ...string) (*process, error) {
	p := &process{name: name, cmd: b.command(args...)}
	p.cmd.Stderr = &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err = p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	b.processes = append(b.processes, p)
	slow := time.AfterFunc(startTimeout, func() { _ = p.cmd.Process.Kill() })
	defer slow.Stop()
	p.out = bufio.NewReader(out)
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, up)
	}
	if err != nil {
		return nil, fmt.Errorf("the %s did not come up: %w\n%s", name, err, p.said.String())
	}
	return p, nil
}

// command is this program in a role.
func (b *bench) command(args ...string) *exec.Cmd {
	c := exec.Command(b.self, args...)
	c.Env = append(os.Environ(), "COCOON_HOME="+b.home, "COCOON_NETWORK=localnet", "COCOON_REGISTRY=")
	if b.o.profiles != "" {
		c.Env = append(c.Env, profilesVariable+"="+b.o.profiles)
	}
	return c
}

// cocoon runs a command of the market to its end, and reads its last line into into.
func (b *bench) cocoon(ctx context.Context, into any, args ...string) error {
	c := b.command(append([]string{"cocoon"}, append(args, "--json")...)...)
	var said tail
	c.Stderr = &said
	defer context.AfterFunc(ctx, func() {
		if c.Process != nil {
			_ = c.Process.Signal(os.Interrupt)
		}
	})()
	out, err := c.Output()
	if err == nil && into != nil {
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		err = json.Unmarshal(lines[len(lines)-1], into)
	}
	if err != nil {
		return fmt.Errorf("cocoon %v: %w\n%s", args, err, said.String())
	}
	return nil
}

// halt is Ctrl-C, after which the process has to end well.
func (p *process) halt() error {
	err := p.cmd.Process.Signal(os.Interrupt)
	_ = p.in.Close() // it may have closed it
	slow := time.AfterFunc(startTimeout, func() { _ = p.cmd.Process.Kill() })
	defer slow.Stop()
	_, _ = io.Copy(io.Discard, p.out) // Wait says what went wrong
	if err = errors.Join(err, p.cmd.Wait()); err != nil {
		return fmt.Errorf("the %s did not stop well: %w\n%s", p.name, err, p.said.String())
	}
	return nil
}

// close stops all, the last first.
func (b *bench) close() (err error) {
	for i := len(b.processes) - 1; i >= 0; i-- {
		err = errors.Join(err, b.processes[i].halt())
	}
	return errors.Join(err, os.RemoveAll(b.home))
}

// play has a load generator do a turn.
func (p *process) play(t turn) (o outcome, err error) {
	if err = json.NewEncoder(p.in).Encode(t); err != nil {
		return o, fmt.Errorf("ask the %s: %w\n%s", p.name, err, p.said.String())
	}
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err == nil && o.Error != "" {
		err = errors.New(o.Error)
	}
	if err != nil {
		return o, fmt.Errorf("%s: %w\n%s", p.name, err, p.said.String())
	}
	return o, nil
}

// ticks are the hundredths of a second that the clock of /proc counts in, on
// every machine that Go runs on.
const ticks = 100

// cpu is the time that each of some processes has had on a core.
func cpu(of []*process) (all []time.Duration, err error) {
	for _, p := range of {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "stat"))
		if err != nil {
			return nil, fmt.Errorf("read the time of the %s (which needs Linux): %w", p.name, err)
		}
		var d time.Duration
		fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
		for _, field := range fields[11:13] { // in user code, and in the system's
			n, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read the time of the %s: %w", p.name, err)
			}
			d += time.Duration(n) * time.Second / ticks
		}
		all = append(all, d)
	}
	return all, nil
}
