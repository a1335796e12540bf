package market

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"hezuo/fault"
)

// Text is a sentence for people, in both of the market's languages.
type Text struct {
	Zh string `json:"zh" doc:"Chinese"`
	En string `json:"en" doc:"English"`
}

// checkText reports what is wrong with a field of free text that others will
// read. Phones and identity numbers do not belong in one: they are given where
// they can be sealed.
func checkText(field, s string, least, most int) error {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s):
		return fault.Field(field, "this is not valid text", "send UTF-8")
	case utf8.RuneCountInString(s) > most: // with what surrounds it: it is kept as it came
		return fault.Field(field, "this is too long", fmt.Sprintf("write %d to %d characters", least, most))
	case n < least && n == 0:
		return fault.Field(field, "this is missing", fmt.Sprintf("write %d to %d characters", least, most))
	case n < least:
		return fault.Field(field, "this is too short", fmt.Sprintf("write %d to %d characters", least, most))
	case strings.ContainsFunc(s, hidden):
		return fault.Field(field, "this holds a control or invisible character", "write plain text")
	case personalNumber.MatchString(strings.Map(narrow, s)):
		return fault.Field(field, "this holds a phone or identity number", "leave numbers of people out: contacts are exchanged in the negotiation room, where they are protected")
	}
	return nil
}

// hidden finds what is not seen, or changes the order in which the rest is: what
// two sides read and sign is what stands there.
func hidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// gap is what people put between the digits of a number.
const gap = `[\t\p{Zs}\p{Pd}._·*]{0,3}`

// personalNumber finds a mainland mobile or citizen identity number.
var personalNumber = func() *regexp.Regexp {
	mobile := []string{`1`, `[3-9]`, `\d`, `\d`, `\d`, `\d`, `\d`, `\d`, `\d`, `\d`, `\d`}
	day := `(?:0` + gap + `[1-9]|[12]` + gap + `\d|3` + gap + `[01])`
	identity := []string{
		`[1-9]`, `\d`, `\d`, `\d`, `\d`, `\d`, // where
		`(?:1` + gap + `[89]|2` + gap + `0)`, `\d`, `\d`, `(?:0` + gap + `[1-9]|1` + gap + `[0-2])`, day, // when born
		`\d`, `\d`, `\d`, `[\dXx]`,
	}
	return regexp.MustCompile(`(?:^|[^\d])(?:(?:0|\+?(?:00)?86)?` + gap + strings.Join(mobile, gap) + `|` + strings.Join(identity, gap) + `)(?:$|[^\d])`)
}()

// narrow turns the digits of all scripts, and full-width letters X, into ASCII.
func narrow(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r == 'Ｘ' || r == 'ｘ':
		return 'X'
	}
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	return r
}
