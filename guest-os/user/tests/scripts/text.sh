printf '3 c\n1 b\n20 a\n1 b\n' > n; printf 'alpha:5:x\nbeta:10:y\ngamma:7:x\nAlpha:1:z\n' > t
printf 'no newline at end' > e; : > z; printf 'a\tb\n\n\n\nc  d\n' > w
cat n t; cat -n w; cat -b w; cat -s w; cat -E w; cat e z n; echo mid | cat n - e
wc n t; wc -l < n; wc -lw n; wc e z; wc -c n; wc -L w
sort n; sort -n n; sort -rn n; sort -u n; sort -k2 n; sort -t: -k2n t; sort -t: -k3,3 -k2,2nr t; sort -f t; sort -c n 2>/dev/null; echo $?; sort e n
uniq n; sort n | uniq -c; sort n | uniq -d; sort n | uniq -u; uniq -i t
head -n 2 n; head -1 n t; head -c 4 n; head -n -1 n; tail -n 1 n; tail -n +3 n; tail -c 3 n; head -n 0 n; tail -n 0 n
grep a t; grep -n -i ALPHA t; grep -c . n; grep -v 1 n; grep -E '^(1|20) ' n; grep -o '[0-9]*' t; grep -l x t n; grep -w b n; grep -h a t n; grep nope n; echo $?; grep -q a t; echo $?; grep -F . t; echo $?; grep -x '1 b' n; grep -e beta -e gamma t; grep -m1 1 n; grep -L x n t; grep '^$' w | wc -l; grep 'a\|b' n; grep -E 'a{1}|[b-c]$' n; grep -E 'l+|m{2}' t; echo aXbX | grep -o 'X*'; grep '\(a\)lph' t; grep -E '(^|:)1' t; grep -r alpha .; grep -vc x t
cut -d: -f1,3 t; cut -d: -f2- t; cut -c1-3 t; cut -b 2 t; cut -f1 w; cut -s -d: -f1 w; echo a:b | cut -d: -f5
tr a-z A-Z < t; tr -d : < t; tr -s ' \n' < w; tr -cd '0-9\n' < t; tr '[:lower:]' '[:upper:]' < t; tr abc x < n; echo hello | tr l '\n'
seq 3; seq 2 5; seq 2 2 9; seq 5 -2 1; seq -w 8 10; seq -s , 3; seq 1 0.5 2; seq 3 1; seq -1 1
basename /a/b/c.txt .txt; basename /; basename a/; dirname /a/b/c; dirname a; dirname /a; dirname a/b/; basename -a x/y z/w; basename .txt .txt
echo hi | tee f1 f2; cat f1 f2; echo more | tee -a f1 > /dev/null; cat f1
dd if=n of=d bs=3 count=2 2>/dev/null; cat d; dd if=n bs=2 skip=1 count=2 2>/dev/null; echo; printf XY | dd of=d bs=1 seek=2 conv=notrunc 2>/dev/null; cat d; echo
echo -n no; echo newline; echo a  b "c  d"
date -u -d @951827696 '+%F %T %a %b %j %H %I %p %y %e %s %%'; date -u -d '2020-02-29 12:34:56' +%s
yes | head -n 3; yes no way | head -1; env -i A=1 B=2 env; printf 'x%.0s' 1 2 3; echo
