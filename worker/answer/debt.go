package answer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cocoon-network/cocoon"
)

// debt is what a dispatcher acknowledged to a worker, in all its runs, and has not
// promised. Nothing else takes from it: not time, and not what was promised beyond
// it, which is for others of the provider. It is in a file, which a power cut may
// leave a moment behind.
type debt struct {
	path  string
	file  *os.File // nil before there is any
	left  cocoon.Nano
	ahead cocoon.Nano // promised for what was not acknowledged yet
}

// digits are the most that an amount has: all are written over the ones before.
const digits = 40

// readDebt reads what earlier runs left.
func readDebt(path string) (debt, error) {
	d := debt{path: path}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if text := strings.TrimSpace(string(raw)); err == nil && text != "" {
		d.left, err = cocoon.ParseNano(text)
	}
	if err != nil {
		err = cocoon.WithHint(fmt.Errorf("read what is not promised from %s: %w", path, err), "restore the file, or remove it and forgive the debt")
	}
	return d, err
}

// acked adds what was acknowledged.
func (d *debt) acked(n cocoon.Nano) error {
	was := d.ahead
	d.ahead = was.Minus(n)
	d.left = d.left.Plus(n.Minus(was))
	return d.save()
}

// promised takes what was promised from it. As much as unacked may be for what will
// be acknowledged.
func (d *debt) promised(n, unacked cocoon.Nano) error {
	d.ahead = d.ahead.Plus(n.Minus(d.left)).Min(unacked)
	d.left = d.left.Minus(n)
	return d.save()
}

func (d *debt) save() (err error) {
	if d.file == nil {
		if err = os.MkdirAll(filepath.Dir(d.path), 0o700); err == nil {
			d.file, err = os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE, 0o600)
		}
	}
	if err == nil {
		_, err = d.file.WriteAt(fmt.Appendf(nil, "%-*s\n", digits, d.left.Text()), 0)
	}
	if err != nil {
		return fmt.Errorf("keep what is not promised: %w", err)
	}
	return nil
}

// close closes the file; what comes after that opens it again.
func (d *debt) close() error {
	f := d.file
	if d.file = nil; f == nil {
		return nil
	}
	return f.Close()
}
