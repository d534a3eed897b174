package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cocoon-network/cocoon"
)

// Code is what programs decide by, in the error objects applications see.
type Code string

// The codes. docs/client.md lists what each asks of the application.
const (
	CodeInvalid         Code = "invalid_request"
	CodeInvalidKey      Code = "invalid_api_key"
	CodeForbidden       Code = "forbidden"
	CodeBudget          Code = "budget_exceeded"     // of the API key
	CodeVoucher         Code = "voucher_required"    // the channel's money does not cover the request
	CodeFunds           Code = "insufficient_funds"  // the wallet's does not
	CodeNoModel         Code = "model_not_found"     //
	CodeNoPath          Code = "unknown_url"         //
	CodeMethod          Code = "method_not_allowed"  //
	CodeTimeout         Code = "timeout"             // the deadline passed
	CodeConflict        Code = "conflict"            // as channel_in_use
	CodeIdempotency     Code = "idempotency_reused"  // for another body
	CodeTooLarge        Code = "request_too_large"   //
	CodeMediaType       Code = "unsupported_media"   //
	CodeRateLimit       Code = "rate_limit_exceeded" // of the API key
	CodeInternal        Code = "internal_error"      //
	CodeBadAnswer       Code = "bad_answer"          // the worker sent what is no answer
	CodeEngine          Code = "engine_error"        // the engine failed while it answered
	CodeWorkerLost      Code = "worker_lost"         // after the first token, and no other could go on
	CodeNoCapacity      Code = "no_capacity"         //
	CodeUnavailable     Code = "unavailable"         // dispatcher or chain does not answer
	CodeStopping        Code = "stopping"            // this daemon
	codeClientCancelled Code = "cancelled"           // ledger and log only
)

const (
	requestFault = "invalid_request_error"
	moneyFault   = "insufficient_quota"
	serverFault  = "server_error"
)

// codes has status and OpenAI's type of each code, and when to try again where
// nobody knows better.
var codes = map[Code]struct {
	status int
	sort   string
	retry  time.Duration
}{
	CodeInvalid:         {http.StatusBadRequest, requestFault, 0},
	CodeInvalidKey:      {http.StatusUnauthorized, requestFault, 0},
	CodeForbidden:       {http.StatusForbidden, requestFault, 0},
	CodeBudget:          {http.StatusPaymentRequired, moneyFault, 0},
	CodeVoucher:         {http.StatusPaymentRequired, moneyFault, 0},
	CodeFunds:           {http.StatusPaymentRequired, moneyFault, 0},
	CodeNoModel:         {http.StatusNotFound, requestFault, 0},
	CodeNoPath:          {http.StatusNotFound, requestFault, 0},
	CodeMethod:          {http.StatusMethodNotAllowed, requestFault, 0},
	CodeTimeout:         {http.StatusRequestTimeout, serverFault, 0},
	CodeConflict:        {http.StatusConflict, requestFault, 0},
	CodeIdempotency:     {http.StatusConflict, requestFault, 0},
	CodeTooLarge:        {http.StatusRequestEntityTooLarge, requestFault, 0},
	CodeMediaType:       {http.StatusUnsupportedMediaType, requestFault, 0},
	CodeRateLimit:       {http.StatusTooManyRequests, "rate_limit_error", time.Second},
	CodeInternal:        {http.StatusInternalServerError, serverFault, 0},
	CodeBadAnswer:       {http.StatusBadGateway, serverFault, 0},
	CodeEngine:          {http.StatusBadGateway, serverFault, 0},
	CodeWorkerLost:      {http.StatusBadGateway, serverFault, 0},
	CodeNoCapacity:      {http.StatusServiceUnavailable, serverFault, time.Second},
	CodeUnavailable:     {http.StatusServiceUnavailable, serverFault, time.Second},
	CodeStopping:        {http.StatusServiceUnavailable, serverFault, time.Second},
	codeClientCancelled: {499, serverFault, 0},
}

// kinds has the code of an error that brings none.
var kinds = map[cocoon.Kind]Code{
	cocoon.Internal: CodeInternal, cocoon.Invalid: CodeInvalid, cocoon.NotFound: CodeNoModel, cocoon.Forbidden: CodeForbidden,
	cocoon.Conflict: CodeConflict, cocoon.NoMoney: CodeFunds, cocoon.Unreachable: CodeUnavailable,
}

// Error is a failure the application is told by a code of its own.
type Error struct {
	Code       Code
	Param      string        // the field at fault; may be empty
	RetryAfter time.Duration // 0: the code's own
	Err        error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Refusal is what an engine said no with, before the first token. Applications
// are given status and body as they are where they concern the request.
type Refusal struct {
	Status int
	Body   []byte // OpenAI's error object
}

func (r *Refusal) Error() string { return "the engine refused with status " + strconv.Itoa(r.Status) }

func invalid(param, format string, args ...any) error {
	return &Error{Code: CodeInvalid, Param: param, Err: cocoon.Invalid.Errorf(format, args...)}
}

func codeOf(err error) Code {
	var e *Error
	var no *Refusal
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.As(err, &no):
		return CodeEngine
	}
	return kinds[cocoon.KindOf(err)]
}

// fault is OpenAI's error object.
type fault struct {
	Message string          `json:"message"`
	Type    string          `json:"type"`
	Param   *string         `json:"param"`
	Code    Code            `json:"code"`
	Usage   json.RawMessage `json:"usage,omitempty"` // of what was billed all the same
}

// faultOf tells err to an application. What went wrong within is for the log.
func faultOf(err error) fault {
	code := codeOf(err)
	f := fault{Message: err.Error(), Type: codes[code].sort, Code: code}
	if code == CodeInternal {
		f.Message = "the daemon failed; its log says why"
	} else if hint := cocoon.HintOf(err); hint != "" {
		f.Message += "; " + hint
	}
	var e *Error
	if errors.As(err, &e) && e.Param != "" {
		f.Param = &e.Param
	}
	return f
}

// errorBody is the JSON of f as responses and streams carry it.
func errorBody(f fault) []byte {
	body, err := json.Marshal(struct {
		Error fault `json:"error"`
	}{f})
	if err != nil {
		panic(err) // texts, and usage that we wrote
	}
	return body
}

// fail answers with err. bill is what the failed request has cost: a retry would
// cost it again, and is left to people.
func fail(w http.ResponseWriter, err error, bill Bill) {
	code := codeOf(err)
	status, f := codes[code].status, faultOf(err)
	if billed := bill.Cost; !billed.IsZero() {
		f.Usage = priced(nil, bill)
	}
	body := errorBody(f)
	var no *Refusal
	if errors.As(err, &no) && concernsRequest(no) {
		status, body = no.Status, no.Body
	}
	h := w.Header()
	if !bill.Cost.IsZero() || code == CodeIdempotency || code == CodeConflict {
		h.Set("X-Should-Retry", "false")
	} else if wait := retryAfter(err); wait > 0 {
		h.Set("Retry-After-Ms", strconv.FormatInt(wait.Milliseconds(), 10))
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	if code == CodeInvalidKey {
		h.Set("Www-Authenticate", "Bearer")
	}
	setBill(h, bill)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who does not read it knows that already
}

func retryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return max(e.RetryAfter, time.Millisecond)
	}
	return codes[codeOf(err)].retry
}

// concernsRequest reports whether the engine's refusal is about what was asked,
// rather than about whom the worker believes to speak with.
func concernsRequest(r *Refusal) bool {
	switch r.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f, err := parseObject(r.Body)
		return err == nil && len(f.get("error")) > 1 && f.get("error")[0] == '{'
	}
	return false
}

// setBill adds what is known of bill to the headers of a response.
func setBill(h http.Header, bill Bill) {
	if bill.Request == "" {
		return
	}
	h.Set("X-Cocoon-Request", bill.Request)
	h.Set("X-Cocoon-Worker", bill.Worker)
	h.Set("X-Cocoon-Attempts", strconv.Itoa(bill.Attempts))
}
