package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// MasterKeyBytes is the length of the vault's master key.
const MasterKeyBytes = 32

const (
	vaultKey     = "vault.master_key"
	vaultKeyFile = "vault.master_key_file"
)

// Validate reports everything that is wrong with the settings, one *Error each,
// joined. It reads the master key's file and touches nothing else. A command
// that makes its own master key puts it in before.
func (c Config) Validate() error {
	var v validator
	for _, f := range fields() {
		if e := f.check(&c); e != nil {
			v.errs = append(v.errs, e)
		}
	}
	v.listen(c.Listen)
	v.publicURL(c)
	for _, o := range c.Origins {
		v.origin(o)
	}
	for _, p := range c.TrustedProxies {
		v.proxy(p)
	}
	v.store(c.Store)
	if _, err := c.Vault.Key(); err != nil {
		v.errs = append(v.errs, err)
	}
	v.sms(c)
	return errors.Join(v.errs...)
}

// Key returns the master key from whichever setting has it. It is an *Error if
// there is not exactly one, or it is not 32 bytes in base64.
func (v Vault) Key() ([]byte, error) {
	const fix = "make one with: head -c 32 /dev/urandom | base64"
	key, text := vaultKey, v.MasterKey.Reveal()
	switch {
	case v.MasterKey.IsSet() && v.MasterKeyFile != "":
		return nil, &Error{Key: vaultKey, Problem: "it is given, and " + vaultKeyFile + " too", Fix: "keep one of them"}
	case v.MasterKeyFile != "":
		var err error
		if text, err = readSecret(v.MasterKeyFile); err != nil {
			return nil, &Error{Key: vaultKeyFile, Problem: "the file cannot be used", Cause: err, Fix: "put the key into it; " + fix}
		}
		key = vaultKeyFile
	case !v.MasterKey.IsSet():
		return nil, &Error{
			Key: vaultKey, Problem: "there is no master key",
			Fix: fix + " > master.key, keep a copy apart from the database's, and set " + vaultKeyFile + " (HEZUO_VAULT__MASTER_KEY_FILE) to its path",
		}
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil { // the decoder's error is not passed on: it speaks of the secret
		return nil, &Error{Key: key, Problem: "the key is not base64", Fix: fix}
	}
	if len(b) != MasterKeyBytes {
		return nil, &Error{Key: key, Problem: fmt.Sprintf("the key has %d bytes, not %d", len(b), MasterKeyBytes), Fix: fix}
	}
	return b, nil
}

type validator struct{ errs []error }

func (v *validator) fail(key, problem, fix string) {
	v.errs = append(v.errs, &Error{Key: key, Problem: problem, Fix: fix})
}

func (v *validator) listen(s string) {
	if _, port, err := net.SplitHostPort(s); err != nil || !validPort(port) {
		v.fail("listen", fmt.Sprintf("%q is not an address and a port", s), "write them as 127.0.0.1:8080 or [::1]:8080")
	}
}

func validPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func (v *validator) publicURL(c Config) {
	u, fault := parseOrigin(c.PublicURL)
	switch {
	case fault != "":
		v.fail("public_url", quote(c.PublicURL)+" "+fault, "write it as https://gigs.example.cn")
	case c.Environment == Production && exposed(u):
		v.fail("public_url", "in production, tokens would cross the network without TLS", "put a proxy with TLS before the server and set public_url to its https address")
	}
}

func (v *validator) origin(s string) {
	if _, fault := parseOrigin(s); fault != "" {
		v.fail("origins", quote(s)+" "+fault, "write each as https://pages.example.cn")
	}
}

// quote shows an address without the password that it may hold.
func quote(s string) string {
	if i := strings.LastIndex(s, "@"); i >= 0 {
		s = "…" + s[i:]
	}
	return strconv.Quote(s)
}

// parseOrigin takes an origin in the one form in which browsers send it: it is
// compared as text, and another spelling of it would never match.
func parseOrigin(s string) (u *url.URL, fault string) {
	u, err := url.Parse(s)
	if err != nil || !webScheme(u) {
		return nil, "is not an http or https address"
	}
	port := u.Port()
	switch {
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, "has more than scheme, host and port"
	case s != strings.ToLower(s):
		return nil, "has capital letters"
	case strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, "has letters beyond ASCII, which browsers send as xn--…"
	case strings.HasSuffix(u.Host, ":"),
		u.Scheme == "http" && port == "80", u.Scheme == "https" && port == "443":
		return nil, "names the port that goes without saying"
	case port != "" && !validPort(port):
		return nil, "has a port beyond 65535"
	case strings.Contains(u.Host, "*"):
		return nil, "has a wildcard, which none can be"
	}
	return u, ""
}

func webScheme(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// exposed reports whether what is sent to u crosses a network in the clear.
func exposed(u *url.URL) bool {
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.IsLoopback()
}

func (v *validator) proxy(s string) {
	const key = "trusted_proxies"
	p, err := netip.ParsePrefix(s)
	if err != nil {
		fix := "write it as 10.0.0.0/8"
		if ip, err := netip.ParseAddr(s); err == nil {
			fix = fmt.Sprintf("for the one address write %s/%d", ip, ip.BitLen())
		}
		v.fail(key, fmt.Sprintf("%q is not a network", s), fix)
		return
	}
	if p.Bits() == 0 {
		v.fail(key, fmt.Sprintf("%q trusts everyone to say who they are, and so to pass the limits", s), "name the proxies' own network")
		return
	}
	if p != p.Masked() {
		v.fail(key, fmt.Sprintf("%q has an address longer than its network", s), "write "+p.Masked().String())
	}
}

func (v *validator) store(s string) {
	scheme, path, ok := strings.Cut(s, ":")
	switch {
	case !ok || scheme != "sqlite":
		// The rest is not repeated: such a URL can hold a password.
		if !ok {
			scheme = "no"
		}
		v.fail("store", fmt.Sprintf("this version has no store for %s: addresses", scheme), "write sqlite: and a path, as sqlite:hezuo.db")
	case path == "":
		v.fail("store", "it names no file", "write a path after sqlite:, as sqlite:hezuo.db")
	}
}

func (v *validator) sms(c Config) {
	switch c.SMS.Sender {
	case SenderConsole:
		if c.Environment == Production {
			v.fail("sms.sender", "console writes sign-in codes into the log, which production must not", "set sms.sender to http and sms.url to the gateway")
		}
	case SenderHTTP:
		u, err := url.Parse(c.SMS.URL)
		switch { // the URL is not repeated: some gateways want a password in it
		case c.SMS.URL == "":
			v.fail("sms.url", "the sender http has nowhere to post to", "set it to the gateway's address")
		case err != nil || !webScheme(u):
			v.fail("sms.url", "it is not an http or https address", "write it as https://sms.example.cn/send")
		case c.Environment == Production && exposed(u):
			v.fail("sms.url", "in production, codes would cross the network without TLS", "use the gateway's https address")
		}
	}
}
