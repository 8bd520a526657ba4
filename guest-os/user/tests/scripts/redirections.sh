echo one > f; echo two >> f; cat < f; cat f f | wc -l
cat <<E1
text $((1+1)) `echo sub` \$HOME "quoted"
E1
cat <<'E2'
no $HOME `here`
E2
	cat <<-E3
	tabs gone
	E3
cat <<A; cat <<B
first
A
second
B
if true; then cat <<X
inside $?
X
fi
{ echo out; echo err >&2; } 2>&1 | sort
{ echo out; echo err >&2; } 2>/dev/null
echo hidden >/dev/null 2>&1; echo $?
exec 3>g; echo to three >&3; exec 3>&-; cat g
exec 4<g; read line <&4; echo "$line"; exec 4<&-
echo order 2>&1 >h | cat; cat h
cat nosuch 2>/dev/null || echo failed
: > empty; wc -c < empty
while read a b; do echo "$b-$a"; done <<Y
1 2 3
4 5
Y
f() { cat; echo end; } ; echo input | f; f < h > i; cat i
(echo sub; echo shell) > j; cat j
echo x > k 2> l; cat k l
set -C; { echo again > k; } 2>/dev/null || echo kept; echo forced >| k; cat k
echo a b c | { read x y; echo "$y $x"; }
