namespace Matih.Fixtures;

/// <summary>Programs from Debian's packages, which are installed where they are missing. Only one installation runs on a machine at a time.</summary>
internal static class DebianPackages
{
    private const string Script = """
        set -eu
        exec 9> /tmp/matih-debian-packages.lock; flock 9
        dpkg -s "$@" > /dev/null 2>&1 && exit 0
        [ "$(id -u)" = 0 ] || { echo "Install these packages: $*" >&2; exit 1; }
        # The server of a package of PostgreSQL is not wanted, only its programs.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
        export DEBIAN_FRONTEND=noninteractive
        # Other programs of the machine may hold apt's locks for a while.
        for i in $(seq 60); do
          if apt-get update -qq && apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" > /dev/null; then exit 0; fi
          sleep 5
        done
        exit 1
        """;

    public static async Task RequireAsync(params string[] packages) =>
        (await ExternalProcess.RunAsync("/bin/sh", ["-c", Script, "sh", .. packages], ExternalProcess.InstallationMax)).Expect();
}
