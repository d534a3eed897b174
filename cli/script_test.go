package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type key int

const (
	servicesKey key = iota
	varsKey
)

// runs is "$ COMMAND ...": it has to succeed, and tell no secret.
func runs(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("use: refused CODE COMMAND ...")
	}
	err := ts.Exec(args[0], args[1:]...)
	keepSecrets(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// refused is "refused CODE COMMAND ...": it has to end with that exit code,
// and say why on stderr alone.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	keepSecrets(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		ts.Fatalf("%v ended with %v, not with exit code %d", args[1:], err, code)
	}
	if !strings.Contains(ts.ReadFile("stderr"), "error") || strings.Contains(ts.ReadFile("stderr"), "panic") {
		ts.Fatalf("no error was told on stderr")
	}
}

// until is "until COMMAND ...": it is tried again, for two minutes at most, until it succeeds.
func until(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(2 * time.Minute)
	for {
		err := ts.Exec(args[0], args[1:]...)
		keepSecrets(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
		if err == nil {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("still: %v", err)
		case <-time.After(time.Second / 2):
		}
	}
}

// says is "says PATTERN COMMAND ...": until, of a command that also has to say so on stdout.
func says(ts *testscript.TestScript, _ bool, args []string) {
	wanted, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.After(2 * time.Minute); ; {
		until(ts, false, args[1:])
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%v does not say %s", args[1:], args[0])
		case <-time.After(time.Second / 2):
		}
	}
}

// field is "field NAME KEY": it keeps a field of the last JSON line on stdout as $NAME.
func field(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	var v map[string]any
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &v))
	text, ok := v[args[1]].(string)
	if !ok {
		ts.Fatalf("no text %q in %s", args[1], lines[len(lines)-1])
	}
	ts.Setenv(args[0], text)
}

// service is a command that keeps running.
type service struct {
	cmd    *exec.Cmd
	output safeBuffer
	read   chan struct{} // closed when its stdout ended
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start is "start NAME COMMAND ...": the command runs on until halt. Its first
// line says that it is up; with --json the fields become $NAME_field.
func start(ts *testscript.TestScript, _ bool, args []string) {
	name, s := args[0], &service{read: make(chan struct{})}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	s.cmd = exec.Command(path, args[2:]...)
	s.cmd.Dir, s.cmd.Stderr = ts.MkAbs("."), &s.output
	s.cmd.Env = slices.Concat(ts.Value(varsKey).(*testscript.Env).Vars, []string{"COCOON_HOME=" + ts.Getenv("COCOON_HOME")})
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Value(servicesKey).(map[string]*service)[name] = s
	ts.Defer(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	slow := time.AfterFunc(time.Minute, func() { _ = s.cmd.Process.Kill() })
	defer slow.Stop()
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadString('\n')
	if err != nil {
		ts.Fatalf("%v did not come up: %v\n%s", args[1:], err, s.output.String())
	}
	fmt.Fprint(&s.output, first)
	go func() {
		defer close(s.read)
		_, _ = io.Copy(&s.output, lines)
	}()
	var fields map[string]any
	if json.Unmarshal([]byte(first), &fields) != nil {
		return
	}
	for k, v := range fields {
		if text, ok := v.(string); ok {
			ts.Setenv(name+"_"+k, text)
		}
	}
}

// halt is "halt NAME": Ctrl-C, after which the command has to end well.
func halt(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(servicesKey).(map[string]*service)[args[0]]
	ts.Check(s.cmd.Process.Signal(os.Interrupt))
	<-s.read
	err := s.cmd.Wait()
	keepSecrets(ts, s.output.String())
	ts.Logf("%s", s.output.String())
	if err != nil {
		ts.Fatalf("%s did not stop cleanly: %v", args[0], err)
	}
}

// keepSecrets fails where an output tells a key of this home, or part of its words.
func keepSecrets(ts *testscript.TestScript, output string) {
	files, err := filepath.Glob(filepath.Join(ts.Getenv("COCOON_HOME"), "keys", "*"))
	ts.Check(err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		ts.Check(err)
		words := strings.Fields(string(b))
		if len(words) > 4 {
			words = words[:4]
		}
		if secret := strings.Join(words, " "); secret != "" && strings.Contains(output, secret) {
			ts.Fatalf("%s is told in the output", file)
		}
	}
}

// private is "private FILE": nobody else may read it.
func private(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if info.Mode().Perm() != 0o600 {
		ts.Fatalf("%s has mode %04o", args[0], info.Mode().Perm())
	}
}

// edit is "edit FILE OLD NEW": it replaces a text that is in the file.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not say %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
