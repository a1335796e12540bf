package identity

import (
	"context"
	"errors"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Tokens are what a client holds of its session.
type Tokens struct {
	Person         string
	Session        string
	Access         string // for requests, until AccessExpires
	AccessExpires  time.Time
	Refresh        string // for [Service.Refresh], once
	RefreshExpires time.Time
}

// ErrSignIn is the one answer to a sign-in with a code that is wrong, used up,
// over, or was never sent.
var ErrSignIn = fault.New(fault.Unauthenticated, codeMessage).WithFix(codeFix)

// SignIn opens a session for whoever has the newest code of a phone, and makes
// the person at the first time. Repeating the command with the same code gives
// the same session and refresh token, as long as the code would be good and the
// session is fresh. cmd.Actor is set to the person.
//
// Errors: an [fault.Invalid] fault on "phone", [ErrSignIn], [store.ErrUnknown]
// (repeat).
func (s *Service) SignIn(ctx context.Context, cmd store.Command, phone, code string, device DeviceInfo) (Tokens, error) {
	phone, hash, err := s.phone(phone)
	if err != nil {
		return Tokens{}, err
	}
	cmd.Actor = "system:identity" // until it is known who it is
	err = s.useCode(ctx, cmd, hash, PurposeSignIn, CodeGiven{Digits: code})
	if errors.Is(err, errCode) {
		return Tokens{}, ErrSignIn
	}
	if err != nil {
		return Tokens{}, err
	}
	cmd.Actor = ""
	p, err := s.ensure(ctx, cmd, phone, hash, "first sign-in")
	if err != nil {
		return Tokens{}, err
	}
	cmd.Actor = p.ID
	sid, d, err := s.createSession(ctx, cmd, p.ID, device)
	if err != nil {
		return Tokens{}, err
	}
	if d.Person != p.ID || d.Turn != 0 || d.over(cmd.At) || d.Device != device.in(sid) {
		return Tokens{}, ErrSignIn // a repeat, long after its session went on
	}
	return s.tokens(ctx, cmd.At, sid, d, p.Roles)
}

// tokens makes an access token, and the session's newest refresh token.
func (s *Service) tokens(ctx context.Context, at time.Time, sid string, d session, roles []Role) (Tokens, error) {
	secret, err := s.sessionSecret(ctx, sid, d)
	if err != nil {
		return Tokens{}, err
	}
	access, expires, err := s.accessToken(ctx, at, Principal{Person: d.Person, Session: sid, Roles: roles})
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		Person: d.Person, Session: sid, Access: access, AccessExpires: expires,
		Refresh: refreshToken(secret, sid, d.Turn), RefreshExpires: d.Expires,
	}, nil
}
