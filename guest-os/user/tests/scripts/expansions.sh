x=5 y= z='a  b'
echo "x is $x ${x:-no} ${y:-empty} ${y-set} ${n-unset} ${#x} ${#z}"
echo ${x:+yes} ${n:+no} "[${y:+no}]" ${n:=new} $n
echo $z "$z" '$z' "\$z" \$z a\ b
set -- 1 "2 3" "" 4
echo $# "$*"
for a in "$@"; do echo "<$a>"; done
for a in $@; do echo "<$a>"; done
for a in "x$@y"; do echo "<$a>"; done
p=/usr/lib/foo.tar.gz
echo ${p##*/} ${p#*/} ${p%.*} ${p%%.*} ${p%/*} ${p#nope}
q='a*b'; echo ${q%'*'b} ${q%\*b} "${q#a}"
IFS=:; v=a:b::c:; for w in $v; do echo "[$w]"; done; unset IFS
IFS=' :'; v=' a : b:c '; for w in $v; do echo "[$w]"; done; unset IFS
echo $((1+2*3)) $(( (1+2)*3 )) $((x > 3 ? 10 : 20)) $((0x10|1)) $((7/2)) $((-7%3)) $((1<<10))
echo $((x=x+1)) $x $((x*=2)) $x $((!x)) $((~x)) $((1&&0||1))
echo $(echo sub $(echo nested)) `echo back \`echo tick\`` "$(printf 'two\nlines\n\n')"
echo a$(true)b "$(echo 'quoted "inner"')" $(echo '*')
touch one.c two.c three.h .hidden
echo *.c [ot]*.c ?????.h *.none .h* "*.c" \*.c [!o]*
g='*.h'; echo $g "$g"
case a.c in *.[ch]) echo match;; esac
case '*' in \*) echo star;; esac
case abc in "a*") echo no;; a*) echo yes;; esac
echo ${x}y$x.z $x-$x "${x}${x}" ~/rest "~"
echo "${n:-"a b"}" ${u:-a b} "${u:-a  b}" "${u:-$x}" ${u:-"a  b"}
a=~; echo $a; b=x:~/y; echo $?
echo "${p%"${p#/}"}"
false; echo $? ; x=$(exit 3); echo $?
