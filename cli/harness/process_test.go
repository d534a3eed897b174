package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// process is a party that is started, asked, killed and started again.
type process struct {
	party party
	file  string
	kills int

	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	moans bytes.Buffer
}

func newProcess(dir, name string, p party) (*process, error) {
	p.Data = filepath.Join(dir, name)
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	pr := &process{party: p, file: filepath.Join(dir, name+".json")}
	return pr, os.WriteFile(pr.file, raw, 0o600)
}

// start returns once the party is there.
func (p *process) start() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), partyFile+"="+p.file)
	p.moans.Reset()
	p.cmd.Stderr = &p.moans
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	p.out = bufio.NewReader(out)
	if err = p.cmd.Start(); err != nil {
		return err
	}
	_, err = p.read()
	return err
}

func (p *process) read() (f figures, err error) {
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &f)
	}
	if err != nil {
		_ = p.cmd.Wait() // so that all it moaned is here
		return f, fmt.Errorf("%s at %s has ended: %w: %s", p.party.Role, p.party.Data, err, p.moans.String())
	}
	return f, nil
}

// figures asks a party that lives.
func (p *process) figures() (figures, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.in, "figures\n"); err != nil {
		return figures{}, fmt.Errorf("%s at %s is not there: %w: %s", p.party.Role, p.party.Data, err, p.moans.String())
	}
	return p.read()
}

// kill is kill -9.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kills++
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.cmd.Wait() // it was killed
	return nil
}

// stop ends a party in peace.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.in.Close(); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s at %s does not end well: %w: %s", p.party.Role, p.party.Data, err, p.moans.String())
	}
	return nil
}
