package guest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os/exec"
	"time"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/attest"
)

// driver is where NVIDIA's kernel module lists GPUs, within the root of the machine.
const driver = "proc/driver/nvidia/gpus"

// CountGPUs is how many GPUs the driver of the machine with that root drives. The
// image that counts is measured; whether each is in confidential mode, tokens say.
func CountGPUs(root fs.FS) (uint8, error) {
	list, err := fs.ReadDir(root, driver)
	if err != nil || len(list) == 0 || len(list) > 255 {
		return 0, cocoon.WithHint(cocoon.NotFound.Errorf("count GPUs: %d below /%s (%v)", len(list), driver, err), "load NVIDIA's driver, or leave GPU attestation out")
	}
	return uint8(len(list)), nil
}

// Program is a program of the image that asks NVIDIA's attestation service: it is
// given the nonce, 64 hex digits, and prints the service's answer.
type Program struct{ Path string }

// patience is how long the service may take.
const patience = time.Minute

// Token implements GPUs.
func (p Program) Token(ctx context.Context, nonce [32]byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := &limited{left: attest.MaxGPU}
	c := exec.CommandContext(ctx, p.Path, hex.EncodeToString(nonce[:]))
	c.Stdout, c.WaitDelay = out, time.Second
	if err := c.Run(); err != nil {
		return nil, cocoon.WithHint(cocoon.Unreachable.Errorf("run %s: %w", p.Path, err), "run it by hand with 64 hex digits: it has to print a detached EAT of at most %d bytes", attest.MaxGPU)
	}
	if len(out.kept) == 0 {
		return nil, cocoon.Unreachable.Errorf("run %s: it printed nothing", p.Path)
	}
	return bytes.TrimSpace(out.kept), nil
}

// limited keeps so many bytes, and fails beyond.
type limited struct {
	kept []byte
	left int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, errors.New("it prints too much")
	}
	l.kept = append(l.kept, b...)
	return len(b), nil
}
