package chain

import (
	"context"
	"errors"
	"slices"

	"github.com/xssnick/tonutils-go/ton"
)

// tooLittle are errors of answers that said too little rather than what is not so.
var tooLittle = []error{errPanicked, errEarly, errUnheard, errNotFirst, ton.ErrNoTransactionsWereFound, ton.ErrBlockNotFound, context.Canceled, context.DeadlineExceeded}

// isLie judges an error that followed an answer.
func isLie(err error) bool {
	return !slices.ContainsFunc(tooLittle, func(little error) bool { return errors.Is(err, little) })
}

func isWaitTimeout(err error) bool {
	var ls ton.LSError
	return errors.As(err, &ls) && ls.Code == codeWaitTimeout
}
