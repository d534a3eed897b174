package dispatcher

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/envelope"
	"github.com/cocoon-network/cocoon/protocol/market"
)

func (d *Dispatcher) serveUpload(w http.ResponseWriter, r *http.Request) error {
	hash, err := hashInPath(r)
	if err != nil {
		return err
	}
	row, err := d.store.byPayload(r.Context(), hash)
	if err != nil {
		return err
	}
	if err = authorize(row, r); err != nil {
		return err
	}
	if row.Status != market.Open {
		return cocoon.Conflict.Errorf("a payload is taken while its job is open; job %s is %s", row.account(), statusName(row.Status))
	}
	if !d.blobs.Has(hash) {
		if err = d.blobs.Put(hash, http.MaxBytesReader(w, r.Body, int64(envelope.MaxBlob)+1), envelope.MaxBlob); err != nil {
			return uploadError(err)
		}
	}
	d.nudge()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// uploadError tells a body that was cut or is too large from our own failures.
func uploadError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cocoon.Invalid.Errorf("%w", err)
	}
	return err
}

func (d *Dispatcher) serveBlob(w http.ResponseWriter, r *http.Request) error {
	hash, err := hashInPath(r)
	if err != nil {
		return err
	}
	blob, err := d.blobs.Get(hash)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(blob)
	return nil
}

func hashInPath(r *http.Request) ([32]byte, error) {
	text := r.PathValue("sha256")
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 || text != hex.EncodeToString(b) {
		return [32]byte{}, cocoon.Invalid.Errorf("%q is not a SHA-256 in lower-case hex", text)
	}
	return [32]byte(b), nil
}

// byPayload is the registered job with that payload.
func (s *store) byPayload(ctx context.Context, hash [32]byte) (*jobRow, error) {
	var rows []*jobRow
	if err := s.db.NewSelect().Model(&rows).Where("payload = ? AND offer != x''", hash[:]).Order("account").Scan(ctx); err != nil {
		return nil, fmt.Errorf("look for payload %x: %w", hash, err)
	}
	if len(rows) == 0 {
		return nil, cocoon.NotFound.Errorf("no job has the payload %x", hash)
	}
	return rows[0], nil
}
