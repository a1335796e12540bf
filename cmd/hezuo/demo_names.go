package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"hezuo/market"
)

// What the demonstration makes names of. Surnames stand as often as they are
// common in western Shandong; towns are real, villages and firms are not.
var (
	surnames   = strings.Fields("王 王 王 张 张 张 李 李 李 刘 刘 陈 陈 杨 杨 赵 赵 孙 孙 周 徐 马 朱 于 高 郭 宋 吕 曹 许 田 韩 邢 岳 路 耿 庞 申 段 谷")
	elderGiven = strings.Fields("建国 建军 建华 志强 志刚 国强 国庆 兴华 福生 福贵 保田 庆海 庆丰 长河 长林 洪涛 新民 爱民 秀兰 秀英 玉梅 玉兰 桂英 桂芝 凤霞 凤英 爱华 春梅 红霞 翠芳 金凤 月娥")
	youngGiven = strings.Fields("伟 磊 鹏 超 勇 军 涛 斌 静 敏 丽娜 晓燕 海霞 雪梅 振东 振华 海涛 立新 晓东 文博 亚楠 慧敏 春燕 永强 学文 广平 传亮 延峰 书芹 淑娟")

	villageHeads = strings.Fields("前 后 东 西 南 北 大 小")
	villageKinds = strings.Fields("庄 屯 楼 堂 集 寨 海 营 庙 桥 铺 坊")

	firmWords = strings.Fields("鲁西 绿源 金穗 丰禾 田园 瑞丰 惠农 兴农 沃土 绿野 盛禾 百果 鑫源 宏达 聚丰 永丰 德润 康源 正和 运河 水城 东昌 聊美 佳禾 恒泰 博远")
)

// personName makes a person's name.
func personName(r *rand.Rand) string {
	given := elderGiven
	if r.IntN(3) == 0 {
		given = youngGiven
	}
	return pick(r, surnames) + pick(r, given)
}

// villageName makes a village's name, such as 前张屯村.
func villageName(r *rand.Rand) string {
	name := pick(r, surnames) + pick(r, villageKinds) + "村"
	if r.IntN(2) == 0 {
		name = pick(r, villageHeads) + name
	}
	return name
}

// pick takes one of a list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// phones counts up mobile numbers in a block that is not in use as far as one can
// tell: 199 0000 0001 and on.
type phones int

func (p *phones) next() string {
	*p++
	return fmt.Sprintf("1990000%04d", int(*p))
}

// codes counts up credit codes and identity numbers that are nobody's: their check
// characters fit, their middle says DEM.
type codes int

// creditCode makes a credit code that begins with the registering authority's two
// characters: 93 for a cooperative, 91 for a company.
func (c *codes) creditCode(authority, county string) (string, error) {
	*c++
	first := fmt.Sprintf("%s%sDEM%06d", authority, county, int(*c))
	check, err := market.CreditCodeCheck(first)
	return first + string(check), err
}

// identityNumber makes an identity number of a region that does not exist.
func (c *codes) identityNumber(r *rand.Rand) string {
	*c++
	first := fmt.Sprintf("990000%04d%02d%02d%03d", 1960+r.IntN(40), 1+r.IntN(12), 1+r.IntN(28), int(*c)%1000)
	sum := 0
	for i, d := range first {
		sum += int(d-'0') * ((1 << (17 - i)) % 11)
	}
	return first + string("10X98765432"[sum%11])
}
