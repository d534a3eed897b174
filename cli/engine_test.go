package cli

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// ask is "ask STATUS URL BODY TEXT": a POST of JSON has to be answered with that
// status and a text in which TEXT occurs.
func ask(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.Post(args[1], "application/json", strings.NewReader(args[2]))
	ts.Check(err)
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	ts.Check(err)
	if strconv.Itoa(r.StatusCode) != args[0] || !strings.Contains(string(answer), args[3]) {
		ts.Fatalf("%s answered %d %s", args[1], r.StatusCode, answer)
	}
}
