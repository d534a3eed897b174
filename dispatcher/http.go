package dispatcher

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cocoon-network/cocoon"
)

// Handler is the dispatcher's API for clients; README.md lists it.
func (d *Dispatcher) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /v1/dispatcher":        d.serveTerms,
		"POST /v1/jobs":             d.serveRegister,
		"GET /v1/jobs/{job}":        d.serveJob,
		"GET /v1/jobs/{job}/intent": d.serveIntent,
		"POST /v1/jobs/{job}/grant": d.serveGrant,
		"PUT /v1/blobs/{sha256}":    d.serveUpload,
		"GET /v1/blobs/{sha256}":    d.serveBlob,
		"/": func(http.ResponseWriter, *http.Request) error {
			return cocoon.NotFound.Errorf("the API has no such path and method")
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := d.attend(func() error { return h(w, r) }); err != nil {
				d.fail(w, r, err)
			}
		})
	}
	return mux
}

// attend answers a client unless the dispatcher stops: then another try, later
// or elsewhere, is the way.
func (d *Dispatcher) attend(answer func() error) error {
	d.asking.RLock()
	defer d.asking.RUnlock()
	select {
	case <-d.ended:
		return errStopped
	default:
		return answer()
	}
}

var errStopped = cocoon.Unreachable.Errorf("the dispatcher stops; try again later")

// problem is an error as RFC 9457 has it, with our hint.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func (d *Dispatcher) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := cocoon.KindOf(err).HTTPStatus()
	p := problem{http.StatusText(status), status, err.Error(), cocoon.HintOf(err)}
	if status == http.StatusInternalServerError {
		if r.Context().Err() == nil {
			d.log.Error("request failed", "path", r.URL.Path, "error", err)
		}
		p.Detail = "the dispatcher failed; its log says why"
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		d.log.Debug("answer not sent", "path", r.URL.Path, "error", err)
	}
}

func reply(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // who does not read it asks again
	return nil
}

// maxRequest bounds what a client says in JSON.
const maxRequest = 64 << 10

// read reads a JSON object of a request.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return cocoon.Invalid.Errorf("read the request: %w", err)
	}
	if err = json.Unmarshal(body, into); err != nil {
		return cocoon.Invalid.Errorf("read the request: %w", err)
	}
	return nil
}

// token is SHA-256 of what the client calls itself by.
func token(r *http.Request) ([]byte, error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || len(secret) < 32 || len(secret) > 128 {
		return nil, cocoon.Forbidden.Errorf("the request carries no token of 32 to 128 characters")
	}
	sum := sha256.Sum256([]byte(secret))
	return sum[:], nil
}

// owned is the row of the job in the path, for the client that registered it.
func (d *Dispatcher) owned(r *http.Request) (*jobRow, error) {
	row, err := d.jobInPath(r)
	if err != nil {
		return nil, err
	}
	return row, authorize(row, r)
}

func authorize(row *jobRow, r *http.Request) error {
	sum, err := token(r)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(sum, row.Token) != 1 {
		return cocoon.Forbidden.Errorf("job %s was not registered with this token", row.account())
	}
	return nil
}

func (d *Dispatcher) jobInPath(r *http.Request) (*jobRow, error) {
	a, err := cocoon.ParseAccount(r.PathValue("job"))
	if err != nil {
		return nil, err
	}
	return d.store.job(r.Context(), d.store.db, a)
}

// termsView is what a client has to know before it makes an offer.
type termsView struct {
	GlobalID int32          `json:"global_id"`
	Registry cocoon.Account `json:"registry"`
	Payee    cocoon.Account `json:"payee"`
	Bps      uint16         `json:"bps"`
}

func (d *Dispatcher) serveTerms(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, termsView{d.cfg.GlobalID, d.cfg.Registry, d.cfg.Payee, d.cfg.Bps})
}
