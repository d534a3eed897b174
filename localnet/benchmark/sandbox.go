package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// sandbox is @ton/sandbox in a process of its own, which answers each line with one.
type sandbox struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func newSandbox(t *transfers) (executor, error) {
	dir := filepath.Join("localnet", "benchmark", "sandbox")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		return nil, fmt.Errorf("its packages are not installed: %w", err)
	}
	s := &sandbox{process: exec.Command("node", "run.js")}
	s.process.Dir, s.process.Stderr = dir, os.Stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if s.in, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err = s.process.Start(); err != nil {
		return nil, err
	}
	return s, json.NewEncoder(s.in).Encode(t)
}

func (s *sandbox) run(n int) (lap, error) {
	if _, err := fmt.Fprintln(s.in, n); err != nil {
		return lap{}, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return lap{}, fmt.Errorf("read the sandbox's answer: %w", err)
	}
	var answer struct {
		Seconds float64
		Hash    string
		Error   string
	}
	if err = json.Unmarshal(line, &answer); err != nil {
		return lap{}, err
	}
	if answer.Error != "" {
		return lap{}, errors.New("sandbox: " + answer.Error)
	}
	return lap{answer.Seconds, answer.Hash}, nil
}

func (s *sandbox) close() error { return errors.Join(s.in.Close(), s.process.Wait()) }
