package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/internal/durable"
	"github.com/cocoon-network/cocoon/protocol/bus"
)

// store keeps on disk what a worker has signed for, a folder a job: job.json
// and payload from before the acceptance leaves the machine, result and
// deliver.json from before the delivery does. Only the owner may read it, since
// job.json holds the payload's key. What the folder says survives a crash at
// any moment; the folder goes when the job is final.
type store struct{ dir string }

// kept is an accepted job.
type kept struct {
	Offer      bus.Offer    `json:"offer"`
	Accept     bus.Accept   `json:"accept"`
	ValidUntil uint32       `json:"valid_until"` // of the acceptance, chain time
	Price      cocoon.Price `json:"price"`       // agreed to
	Key        bus.ID       `json:"key"`         // of the payload

	payload []byte
	result  *bus.Deliver // once the work is done
	blob    []byte       // then too
}

const (
	jobFile     = "job.json"
	payloadFile = "payload"
	resultFile  = "result"
	deliverFile = "deliver.json"
)

// openStore makes the folder where it is missing.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder for accepted jobs: %w", err)
	}
	return &store{dir}, nil
}

func (s *store) path(job cocoon.Account, file string) string {
	return filepath.Join(s.dir, bus.ID(job).String(), file)
}

// save writes an accepted job; it appears whole or not at all.
func (s *store) save(k *kept) error {
	folder := s.path(k.Offer.Job, "")
	temp := folder + durable.Unfinished
	err := os.RemoveAll(temp)
	if err == nil {
		err = os.Mkdir(temp, 0o700)
	}
	if err == nil {
		err = writeJSON(filepath.Join(temp, jobFile), k)
	}
	if err == nil {
		err = durable.Write(filepath.Join(temp, payloadFile), k.payload)
	}
	if err == nil {
		err = durable.Move(temp, folder)
	}
	if err != nil {
		_ = os.RemoveAll(temp) // nothing was promised yet
		return fmt.Errorf("keep job %s: %w", k.Offer.Job, err)
	}
	return nil
}

// finish writes the result of a kept job. deliver.json comes last: without it
// there is no result.
func (s *store) finish(k *kept) error {
	path := s.path(k.Offer.Job, deliverFile)
	err := durable.Write(s.path(k.Offer.Job, resultFile), k.blob)
	if err == nil {
		err = writeJSON(path+durable.Unfinished, k.result)
	}
	if err == nil {
		err = durable.Move(path+durable.Unfinished, path)
	}
	if err != nil {
		return fmt.Errorf("keep the result of job %s: %w", k.Offer.Job, err)
	}
	return nil
}

// forget removes a final job.
func (s *store) forget(job cocoon.Account) error {
	if err := os.RemoveAll(s.path(job, "")); err != nil {
		return fmt.Errorf("forget job %s: %w", job, err)
	}
	return nil
}

// load reads every kept job and clears away what was never promised.
func (s *store) load() ([]*kept, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("accepted jobs: %w", err)
	}
	var all []*kept
	for _, e := range entries {
		var id bus.ID
		if strings.HasSuffix(e.Name(), durable.Unfinished) {
			err = os.RemoveAll(filepath.Join(s.dir, e.Name()))
		} else if id.UnmarshalText([]byte(e.Name())) == nil {
			var k *kept
			k, err = s.read(cocoon.Account(id))
			all = append(all, k)
		}
		if err != nil {
			return nil, fmt.Errorf("accepted job %s: %w", e.Name(), err)
		}
	}
	return all, nil
}

func (s *store) read(job cocoon.Account) (*kept, error) {
	k := &kept{}
	if err := readJSON(s.path(job, jobFile), k); err != nil {
		return nil, err
	}
	if k.Offer.Job != job || k.Accept.Job != job || k.Accept.Order.Cell == nil {
		return nil, cocoon.Invalid.Errorf("%s tells of another job", jobFile)
	}
	var err error
	if k.payload, err = os.ReadFile(s.path(job, payloadFile)); err != nil {
		return nil, err
	}
	var d bus.Deliver
	if err = readJSON(s.path(job, deliverFile), &d); errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil && (d.Job != job || d.Delivery.Cell == nil) {
		err = cocoon.Invalid.Errorf("%s tells of another job", deliverFile)
	}
	if err == nil {
		k.blob, err = os.ReadFile(s.path(job, resultFile))
	}
	k.result = &d
	return k, err
}

func writeJSON(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.Write(path, raw)
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return cocoon.Invalid.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}
