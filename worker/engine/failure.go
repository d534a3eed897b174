package engine

import (
	"net/http"
	"strconv"
	"time"
)

// failure is an error in OpenAI's shape.
type failure struct {
	status int
	retry  time.Duration // 0: nothing is said of when to ask again
	Error  struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func fail(status int, kind, code, message string) *failure {
	f := &failure{status: status}
	f.Error.Message, f.Error.Type, f.Error.Code = message, kind, &code
	return f
}

// invalid is the refusal of a request; param names the field, "" the whole.
func invalid(param, message string) *failure {
	f := fail(http.StatusBadRequest, "invalid_request_error", "invalid_request", message)
	if param != "" {
		f.Error.Param = &param
	}
	return f
}

func notFound(message string) *failure {
	return fail(http.StatusNotFound, "invalid_request_error", "not_found", message)
}

func noModel() *failure {
	f := fail(http.StatusNotFound, "invalid_request_error", "model_not_found", "this engine does not serve the model")
	param := "model"
	f.Error.Param = &param
	return f
}

// busy is how an engine says 429, 500 or 503, in earnest or on purpose.
func busy(status int, retry time.Duration) *failure {
	var f *failure
	switch status {
	case http.StatusTooManyRequests:
		f = fail(status, "rate_limit_error", "rate_limit_exceeded", "too many requests; ask again later")
	case http.StatusServiceUnavailable:
		f = fail(status, "server_error", "overloaded", "the engine is overloaded; ask again later")
	default:
		f = fail(status, "server_error", "internal_error", "the engine failed")
	}
	f.retry = retry
	return f
}

func (f *failure) write(w http.ResponseWriter) {
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.retry+time.Second-1)/time.Second), 10))
		w.Header().Set("Retry-After-Ms", strconv.FormatInt(f.retry.Milliseconds(), 10))
	}
	writeJSON(w, f.status, f)
}
