package client

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/protocol/bus"
	"github.com/cocoon-network/cocoon/protocol/envelope"
)

// desk is the dispatcher as its clients see it.
type desk struct {
	url  string
	http *http.Client
}

// terms are what a dispatcher asks for.
type terms struct {
	GlobalID int32          `json:"global_id"`
	Registry cocoon.Account `json:"registry"`
	Payee    cocoon.Account `json:"payee"`
	Bps      uint16         `json:"bps"`
}

// view is a job as the dispatcher tells of it; all of it is its word alone.
type view struct {
	Job      cocoon.Account    `json:"job"`
	Status   string            `json:"status"`
	Uploaded bool              `json:"uploaded"`
	Intent   *bus.Intent       `json:"intent"`
	Refused  map[bus.ID]string `json:"refused"`
}

// parseView reads a view and checks sizes. What makes no sense is as good as no
// answer: another one may.
func parseView(body []byte) (view, error) {
	var v view
	if err := json.Unmarshal(body, &v); err != nil {
		return v, cocoon.Unreachable.Errorf("the dispatcher's answer is not understood: %w", err)
	}
	if v.Intent != nil {
		if err := v.Intent.Validate(); err != nil {
			return v, cocoon.Unreachable.Errorf("the dispatcher's answer is not understood: %w", err)
		}
	}
	return v, nil
}

func (d *desk) terms(ctx context.Context) (terms, error) {
	body, err := d.call(ctx, http.MethodGet, "/v1/dispatcher", "", nil)
	if err != nil {
		return terms{}, err
	}
	var t terms
	if err = json.Unmarshal(body, &t); err != nil {
		return t, cocoon.Unreachable.Errorf("the dispatcher's answer is not understood: %w", err)
	}
	return t, nil
}

// register announces a job; again, it changes nothing.
func (d *desk) register(ctx context.Context, s *secrets) (view, error) {
	body, err := json.Marshal(struct {
		Offer     []byte   `json:"offer"`
		ResultKey []byte   `json:"result_key"`
		Granted   []bus.ID `json:"granted,omitempty"`
	}{s.Offer, s.result.Public().Bytes(), s.Granted})
	if err != nil {
		return view{}, err
	}
	answer, err := d.call(ctx, http.MethodPost, "/v1/jobs", s.Token, body)
	if err != nil {
		return view{}, err
	}
	return parseView(answer)
}

// upload brings the payload.
func (d *desk) upload(ctx context.Context, s *secrets, payload []byte) error {
	hash := s.offer.Work.PayloadHash
	_, err := d.call(ctx, http.MethodPut, "/v1/blobs/"+hex.EncodeToString(hash[:]), s.Token, payload)
	return err
}

// intent waits, for as long as the dispatcher holds the question, for a worker
// that would take the job.
func (d *desk) intent(ctx context.Context, s *secrets) (view, error) {
	answer, err := d.call(ctx, http.MethodGet, "/v1/jobs/"+s.job.String()+"/intent", s.Token, nil)
	if err != nil {
		return view{}, err
	}
	return parseView(answer)
}

// grant answers an intent.
func (d *desk) grant(ctx context.Context, s *secrets, to bus.Certificate, g bus.Grant) error {
	body, err := json.Marshal(struct {
		Worker bus.ID    `json:"worker"`
		Boot   bus.Boot  `json:"boot"`
		Grant  bus.Grant `json:"grant"`
	}{to.Worker, to.Boot, g})
	if err != nil {
		return err
	}
	_, err = d.call(ctx, http.MethodPost, "/v1/jobs/"+s.job.String()+"/grant", s.Token, body)
	return err
}

// blob fetches a blob by its hash. It is for the caller to check.
func (d *desk) blob(ctx context.Context, hash [32]byte) ([]byte, error) {
	return d.call(ctx, http.MethodGet, "/v1/blobs/"+hex.EncodeToString(hash[:]), "", nil)
}

// call does one request. What the dispatcher refuses keeps its kind and hint.
func (d *desk) call(ctx context.Context, method, path, token string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(d.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, cocoon.Invalid.Errorf("dispatcher %q: %w", d.url, err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := d.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, cocoon.WithHint(cocoon.Unreachable.Errorf("dispatcher %s does not answer: %w", d.url, err), "is it running, and is its address right?")
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, int64(envelope.MaxBlob)+1))
	if err != nil {
		return nil, cocoon.Unreachable.Errorf("the dispatcher's answer was cut: %w", err)
	}
	if answer.StatusCode >= 300 {
		return nil, problem(answer.StatusCode, content)
	}
	return content, nil
}

// problem is an RFC 9457 answer as an error of ours.
func problem(status int, body []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Hint   string `json:"hint"`
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		p.Detail = http.StatusText(status)
	}
	err := kindOf(status).Errorf("dispatcher: %w", errors.New(p.Detail))
	if p.Hint != "" {
		return cocoon.WithHint(err, "%s", p.Hint)
	}
	return err
}

// kindOf is the kind whose HTTP status that is; any other is as if nobody answered.
func kindOf(status int) cocoon.Kind {
	for _, k := range []cocoon.Kind{cocoon.Invalid, cocoon.NotFound, cocoon.Forbidden, cocoon.Conflict, cocoon.NoMoney} {
		if k.HTTPStatus() == status {
			return k
		}
	}
	return cocoon.Unreachable
}

// retryable reports whether asking again may help.
func retryable(err error) bool {
	switch cocoon.KindOf(err) {
	case cocoon.Unreachable, cocoon.Conflict, cocoon.NotFound:
		return true
	}
	return false
}
