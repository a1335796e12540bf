package market

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hezuo/fault"
)

// TestNumbersAreFound however they are written: digits of any script, with what
// people put between them, in the middle of a text.
func TestNumbersAreFound(t *testing.T) {
	prove(t, func(t *rapid.T) {
		digits := fmt.Sprintf("1%d%09d", rapid.IntRange(3, 9).Draw(t, "second"), rapid.IntRange(0, 999_999_999).Draw(t, "rest"))
		if rapid.Bool().Draw(t, "identity") {
			digits = fmt.Sprintf("%06d%d%02d%02d%03d%s", rapid.IntRange(100_000, 999_999).Draw(t, "where"), rapid.IntRange(1900, 2029).Draw(t, "year"),
				rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 31).Draw(t, "day"), rapid.IntRange(0, 999).Draw(t, "order"),
				rapid.SampledFrom([]string{"0", "7", "X", "x", "Ｘ"}).Draw(t, "check"))
		}
		zero := rapid.SampledFrom([]rune{'0', '０', '٠', '०', '𝟎'}).Draw(t, "script")
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "电话", "找我：", "a ", "（", "微信号"}).Draw(t, "before"))
		for i, r := range digits {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "-", "　", "–", ".", " - ", "\u00a0", "·", "_", "*"}).Draw(t, "gap"))
			}
			if '0' <= r && r <= '9' {
				r += zero - '0'
			}
			b.WriteRune(r)
		}
		b.WriteString(rapid.SampledFrom([]string{"", "。", " 转2", "（王）", "x5", "，谢谢"}).Draw(t, "after"))
		err := checkText("about", b.String(), 0, 500)
		if !fault.Is(err, fault.Invalid) || strings.ContainsAny(err.Error(), "0123456789") {
			t.Fatalf("%q: %v", b.String(), err)
		}
	})
}

// TestOtherNumbersAreNot taken for a person's.
func TestOtherNumbersAreNot(t *testing.T) {
	for _, s := range []string{
		"", "无", "日薪 150 元，10 人，5 天", "2026-03-10 至 2026-03-14", "2026年3月10日 8:00-17:30", "0635-8241234", "12345", "12333 或 96156",
		"GB 32100-2015", "邮编 252000", "1000 2000 3000 4000", "20260310-20260314", "第 3715022026031000001 号", "pH 6.5–7.5", "1,380,013,800 元",
		"面积 120.5 亩，亩产 3000 斤，共 361500 斤",
	} {
		if err := checkText("about", s, 0, 500); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}
