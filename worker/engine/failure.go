package engine

import "net/http"

// failure is an error in OpenAI's shape.
type failure struct {
	status int
	Error  struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func fail(status int, code, message string) *failure {
	f := &failure{status: status}
	f.Error.Message, f.Error.Type, f.Error.Code = message, "invalid_request_error", &code
	return f
}

func invalid(message string) *failure { return fail(http.StatusBadRequest, "invalid_request", message) }

func notFound(message string) *failure { return fail(http.StatusNotFound, "not_found", message) }

func (f *failure) write(w http.ResponseWriter) { writeJSON(w, f.status, f) }
