package client

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/wrappers"
)

// vault keeps what a client must not lose, two files a job: the encrypted
// payload, and the secrets that open it and the result. Both are on disk before
// money moves, so that a client that was killed can go on.
type vault struct{ dir string }

// secrets are what belongs to one job. Keys are in clear; the file's mode is
// their only protection.
type secrets struct {
	Offer     []byte   `json:"offer"`      // BoC of the JobOffer
	BodyKey   bus.ID   `json:"body_key"`   // of the payload
	ResultKey []byte   `json:"result_key"` // private envelope key
	OfferKey  []byte   `json:"offer_key"`  // Ed25519 seed, signs passes
	Token     string   `json:"token"`      // that the dispatcher knows us by
	Granted   []bus.ID `json:"granted"`    // workers that were given the body key, oldest first

	offer  wrappers.JobOffer
	job    cocoon.Account
	result envelope.PrivateKey
}

func openVault(dir string) (*vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of secrets: %w", err)
	}
	return &vault{dir}, nil
}

func (v *vault) path(job cocoon.Account, sort string) string {
	return filepath.Join(v.dir, hex.EncodeToString(job[:])+sort)
}

const (
	secretFile  = ".json"
	payloadFile = ".payload"
)

// keep writes the secrets of a new job.
func (v *vault) keep(s *secrets, payload []byte) error {
	if err := v.write(v.path(s.job, payloadFile), payload); err != nil {
		return err
	}
	return v.save(s)
}

// save replaces the secrets as a whole.
func (v *vault) save(s *secrets) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write the secrets of job %s: %w", s.job, err)
	}
	return v.write(v.path(s.job, secretFile), b)
}

// write replaces a file as a whole and makes it last. A full disk leaves what
// was there before.
func (v *vault) write(path string, content []byte) error {
	f, err := os.CreateTemp(v.dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep a job's secrets: %w", err)
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(v.dir)
	}
	if err != nil {
		return cocoon.WithHint(fmt.Errorf("keep a job's secrets: %w", errors.Join(err, removeIfThere(f.Name()))), "is the disk full?")
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// load reads the secrets of a job; NotFound where it is not ours.
func (v *vault) load(job cocoon.Account) (*secrets, error) {
	b, err := os.ReadFile(v.path(job, secretFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cocoon.WithHint(cocoon.NotFound.Errorf("the secrets of job %s are not in %s", job, v.dir), "attend to it where it was submitted")
	}
	if err != nil {
		return nil, fmt.Errorf("read the secrets of job %s: %w", job, err)
	}
	s, err := parseSecrets(b)
	if err != nil {
		return nil, fmt.Errorf("secrets of job %s: %w", job, err)
	}
	if s.job != job {
		return nil, cocoon.Invalid.Errorf("the file of job %s holds the secrets of %s", job, s.job)
	}
	return s, nil
}

// parseSecrets reads what save wrote. No error tells any of it.
func parseSecrets(b []byte) (*secrets, error) {
	s := new(secrets)
	if err := json.Unmarshal(b, s); err != nil {
		return nil, cocoon.Invalid.Errorf("not a file of secrets")
	}
	root, err := cell.FromBOC(s.Offer)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("offer is damaged")
	}
	if s.offer, err = wrappers.Decode[wrappers.JobOffer](root); err != nil {
		return nil, err
	}
	if s.job, err = s.offer.Account(); err != nil {
		return nil, err
	}
	if s.result, err = envelope.ParsePrivateKey(s.ResultKey); err != nil {
		return nil, err
	}
	if len(s.OfferKey) != 32 || s.Token == "" {
		return nil, cocoon.Invalid.Errorf("keys are missing")
	}
	return s, nil
}

// payload is the encrypted payload of a job.
func (v *vault) payload(job cocoon.Account) ([]byte, error) {
	b, err := os.ReadFile(v.path(job, payloadFile))
	if err != nil {
		return nil, fmt.Errorf("read the payload of job %s: %w", job, err)
	}
	return b, nil
}

func (v *vault) forget(job cocoon.Account) error {
	return errors.Join(removeIfThere(v.path(job, secretFile)), removeIfThere(v.path(job, payloadFile)))
}

func (v *vault) list() ([]cocoon.Account, error) {
	files, err := os.ReadDir(v.dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of secrets: %w", err)
	}
	var jobs []cocoon.Account
	for _, f := range files {
		name, ours := strings.CutSuffix(f.Name(), secretFile)
		if a, err := cocoon.ParseAccount("0:" + name); ours && err == nil {
			jobs = append(jobs, a)
		}
	}
	return jobs, nil
}
