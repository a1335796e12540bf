package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// RepeatFor is how long the refresh token before the newest may be used again,
// from the same device, and gives the same newest: answers get lost.
const RepeatFor = 10 * time.Second

// Refresh gives the next refresh token of a session for its newest one, and a
// fresh access token. A token that was followed by another is refused, and ends
// the session: somebody else has it. Only within [RepeatFor], on the same device,
// it gives the same answer again. So does a genuine token from another device end
// the session.
//
// Errors: an [fault.Unauthenticated] fault when the session is over, was ended by
// this, or the token is none; [store.ErrUnknown] (repeat).
func (s *Service) Refresh(ctx context.Context, cmd store.Command, token string, device DeviceInfo) (Tokens, error) {
	sid, turn, ok := parseRefreshToken(token)
	if !ok {
		return Tokens{}, errSession
	}
	it, err := s.sessions.Get(ctx, sid)
	if errors.Is(err, store.ErrNotFound) || err == nil && it.Doc.over(cmd.At) {
		return Tokens{}, errSession
	}
	if err != nil {
		return Tokens{}, err
	}
	secret, err := s.sessionSecret(ctx, sid, it.Doc)
	if err != nil {
		return Tokens{}, err
	}
	if subtle.ConstantTimeCompare([]byte(refreshToken(secret, sid, turn)), []byte(token)) != 1 {
		return Tokens{}, errSession
	}
	d, err := s.turn(ctx, cmd, sid, it.Doc.Person, turn, device)
	if err != nil {
		return Tokens{}, err
	}
	p, err := s.Get(ctx, d.Person)
	if err != nil {
		return Tokens{}, err
	}
	return s.tokens(ctx, cmd.At, sid, d, p.Roles)
}

// turn moves a session on from a turn whose genuine token was shown. It gives the
// session as it is afterwards, at the next turn.
func (s *Service) turn(ctx context.Context, cmd store.Command, sid, person string, turn int64, device DeviceInfo) (session, error) {
	cmd.Actor = person
	if cmd.From == "" {
		cmd.From = sid
	}
	// The document decides what a repeat is, by turn, time and device, so a
	// command that comes back with others is looked at anew.
	cmd = cmd.Sub(fmt.Sprintf("refresh/%d/%d/%s", turn, cmd.At.UnixNano(), device.in(sid)))
	at := cmd.At.UTC()
	it, err := s.sessions.Update(ctx, sid, cmd, func(d *session) ([]store.Entry, error) {
		same := d.Device == device.in(sid)
		switch {
		case d.over(at):
			return nil, errSession
		case same && turn == d.Turn:
			d.Turn, d.Turned, d.Expires = turn+1, at, at.Add(s.cfg.SessionFor)
			return []store.Entry{store.Audit("session.refresh", "", nil)}, nil
		case same && turn == d.Turn-1 && at.Sub(d.Turned) <= RepeatFor:
			return nil, nil
		}
		return d.finish(at, endReuse, map[string]any{"turn": turn, "newest": d.Turn, "same_device": same}), nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return session{}, errSession
	}
	if err != nil {
		return session{}, err
	}
	if it.Doc.over(at) {
		s.cfg.Logger.WarnContext(ctx, "an old refresh token, or one from another device, ended its session", "session", sid)
		return session{}, errSession
	}
	if it.Doc.Turn != turn+1 { // the very same command again, and the session went on
		return session{}, errSession
	}
	return it.Doc, nil
}

// sessionSecret opens what a session's refresh tokens are made of.
func (s *Service) sessionSecret(ctx context.Context, sid string, d session) ([]byte, error) {
	text, err := s.cfg.Vault.Open(ctx, d.Person, sessionField+sid, d.Secret)
	if errors.Is(err, vault.ErrDestroyed) {
		return nil, errSession
	}
	if err != nil {
		return nil, err
	}
	secret, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(secret) < 32 {
		return nil, fault.New(fault.Internal, "a session's secret cannot be read")
	}
	return secret, nil
}

// refreshToken makes the token of one turn: the session, the turn, and 256 bits
// that only the secret gives.
func refreshToken(secret []byte, sid string, turn int64) string {
	head := sid + "." + strconv.FormatInt(turn, 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("hezuo refresh token\n" + head))
	return head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func parseRefreshToken(token string) (sid string, turn int64, ok bool) {
	if len(token) > 128 {
		return "", 0, false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", 0, false
	}
	turn, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[0], turn, err == nil && turn >= 0
}
