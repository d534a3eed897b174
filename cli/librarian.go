package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cocoon-network/cocoon"
	"github.com/cocoon-network/cocoon/wrappers"
)

// librarian is an indexer's API.
type librarian struct {
	url  string
	http *http.Client
}

// maxPage is more than a page of any list takes.
const maxPage = 4 << 20

// fetch reads a whole list, page by page.
func fetch[T any](ctx context.Context, l *librarian, path string) (all []T, err error) {
	and := "?"
	if strings.Contains(path, "?") {
		and = "&"
	}
	for cursor := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		body, err := l.get(ctx, path+and+"limit=200&cursor="+url.QueryEscape(cursor))
		if err != nil {
			return nil, err
		}
		if err = json.Unmarshal(body, &page); err != nil {
			return nil, cocoon.Unreachable.Errorf("%s is no indexer's API: %w", l.url, err)
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" || len(page.Items) == 0 || len(all) > wrappers.MaxEpochLeaves {
			return all, nil
		}
	}
}

func (l *librarian) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+path, nil)
	if err != nil {
		return nil, cocoon.Invalid.Errorf("indexer %q: %w", l.url, err)
	}
	answer, err := l.http.Do(r)
	if err != nil {
		return nil, cocoon.WithHint(cocoon.Unreachable.Errorf("ask the indexer: %w", err), "name one with --api, or run: cocoon serve")
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", answer.Status)
	}
	if err != nil {
		return nil, cocoon.Unreachable.Errorf("ask the indexer %s: %w", l.url, err)
	}
	return body, nil
}
