package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errSurvived = errors.New("mutants survived that no list explains, or the list explains one that did not")

// report prints what survived and why that is, then the figures.
func (m *mutants) report(verdicts []verdict, out io.Writer) error {
	killed, unexplained := 0, 0
	for _, v := range verdicts {
		why, listed := m.reason(v.Mutant)
		switch {
		case v.by != "" && listed:
			unexplained++
			fmt.Fprintf(out, "%s is noticed by %s: it is listed for nothing\n", v.ID(), v.by)
			killed++
		case v.by != "":
			killed++
		case listed:
			fmt.Fprintf(out, "%s survived, as listed: %s\n%s", v.ID(), why, v.Diff())
		default:
			unexplained++
			fmt.Fprintf(out, "%s survived\n%s", v.ID(), v.Diff())
		}
	}
	score := 0.0
	if len(verdicts) > 0 {
		score = float64(1000*killed/len(verdicts)) / 10
	}
	figures := struct {
		Mutants int     `json:"mutants"`
		Killed  int     `json:"killed"`
		Score   float64 `json:"score"` // per cent, rounded down
	}{len(verdicts), killed, score}
	if err := json.NewEncoder(out).Encode(figures); err != nil {
		return err
	}
	if unexplained > 0 {
		return errSurvived
	}
	return nil
}
