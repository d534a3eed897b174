package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/cocoon-network/cocoon"
)

// guard lets in who speaks to this daemon by one of its names, from no web page
// of another origin, and with one of its keys. A browser can be made to send
// anything but these.
func (s *Server) guard(r *http.Request) (Key, error) {
	if !s.named(r) {
		return Key{}, &Error{Code: CodeForbidden, Err: cocoon.WithHint(cocoon.Forbidden.Errorf("this daemon has no such name"),
			"call it by localhost or its address, or configure the name")}
	}
	if s.origins.Check(r) != nil {
		return Key{}, &Error{Code: CodeForbidden, Err: cocoon.Forbidden.Errorf("web pages of other origins may not ask")}
	}
	return s.keys.find(r.Header.Get("Authorization"))
}

// named reports whether the request's Host is localhost, the address that the
// connection came to, or a name that was configured. A page that had its own
// name resolve to this machine has none of these.
func (s *Server) named(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if slices.ContainsFunc(append([]string{"localhost"}, s.cfg.Hosts...), func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ip.IsLoopback()
	}
	at, err := netip.ParseAddrPort(local.String())
	return ip.IsLoopback() || err == nil && at.Addr().Unmap() == ip.Unmap()
}
