package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/cocoon-network/cocoon"
)

// isTerminal reports whether a person reads stdout.
func (e *env) isTerminal() bool {
	f, ok := e.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// event prints one JSON line: the fields of v after "event".
func (e *env) event(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write event %s: %w", name, err)
	}
	line := fmt.Sprintf(`{"event":%q`, name)
	if string(b) != "{}" {
		line += "," + string(b[1:])
	} else {
		line += "}"
	}
	_, err = fmt.Fprintln(e.out, line)
	return err
}

// show prints v as an event with --json, else as lines of "name  value".
func (e *env) show(event string, v any, rows ...[2]string) error {
	if e.json {
		return e.event(event, v)
	}
	table := make([][]string, len(rows))
	for i, r := range rows {
		table[i] = r[:]
	}
	return e.table(nil, table)
}

// table prints rows aligned for a person under a heading, or with tabs and no heading for a pipe.
func (e *env) table(heading []string, rows [][]string) error {
	if !e.isTerminal() {
		for _, r := range rows {
			if _, err := fmt.Fprintln(e.out, strings.Join(r, "\t")); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	if len(rows) > 0 && heading != nil {
		fmt.Fprintln(w, strings.ToUpper(strings.Join(heading, "\t")))
	}
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// when is a chain time: "in 3m0s" for a person, RFC 3339 for a pipe, "" for none.
func (e *env) when(unix, now uint32) string {
	if unix == 0 {
		return ""
	}
	if !e.isTerminal() {
		return cocoon.UTC(unix)
	}
	if unix > now {
		return "in " + (time.Duration(unix-now) * time.Second).String()
	}
	return (time.Duration(now-unix) * time.Second).String() + " ago"
}

// say tells a person how things are going, on stderr.
func (e *env) say(format string, args ...any) {
	if !e.json {
		fmt.Fprintf(e.err, format+"\n", args...)
	}
}
