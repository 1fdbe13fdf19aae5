namespace Matih.Fixtures;

/// <summary>Programs from Debian's packages, which are installed where they are missing. Only one installation runs on a machine at a time.</summary>
internal static class DebianPackages
{
    /// <summary>
    /// For a shell script: from here on it is the only one of ours that uses apt, by the function apt_get. Other programs of the machine
    /// may hold apt's locks for a while.
    /// </summary>
    internal const string WithApt = """
        exec 8> /tmp/matih-debian-packages.lock; flock 8
        apt_get() {
          for i in $(seq 60); do
            if apt-get update -qq && apt-get -qq "$@"; then return 0; fi
            sleep 5
          done
          return 1
        }
        """;

    private const string Script = $$"""
        set -eu
        {{WithApt}}
        dpkg -s "$@" > /dev/null 2>&1 && exit 0
        [ "$(id -u)" = 0 ] || { echo "Install these packages: $*" >&2; exit 1; }
        # The server of a package of PostgreSQL is not wanted, only its programs.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
        export DEBIAN_FRONTEND=noninteractive
        apt_get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" > /dev/null
        """;

    public static async Task RequireAsync(params string[] packages) =>
        (await ExternalProcess.RunAsync("/bin/sh", ["-c", Script, "sh", .. packages], ExternalProcess.InstallationMax)).Expect();
}
